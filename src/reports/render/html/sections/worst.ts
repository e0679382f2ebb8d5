/** The worst samples in full: program, failing line, what was returned and what was expected. Everything shown here is hostile text. */
import type { Assertion } from '../../../../sandbox/verdict.js';
import type { ReportData, WorstSample } from '../../../report-data.js';
import { WORST_RULE } from '../../../worst.js';
import { decimal, plural } from '../../format.js';
import { shorten } from '../../visible.js';
import { markup, type Markup } from '../markup.js';
import { programListing } from '../program.js';
import { swatch } from './outcomes.js';

const COUNT_WORDS = ['No', 'One', 'Two', 'Three', 'Four', 'Five'] as const;

export function worstSection({ worst }: ReportData): Markup {
  const title = `${COUNT_WORDS[worst.length] ?? worst.length} worst ${worst.length === 1 ? 'sample' : 'samples'}`;
  return markup`<section id="worst">
    <h2>${title}</h2>
    <p>${WORST_RULE} The prompt is grey, the generated text in full contrast, the failing line marked.</p>
    ${worst.map(article)}
  </section>`;
}

function article(sample: WorstSample): Markup {
  const { failure, categoryCode, categoryName, categoryCount } = sample;
  return markup`<article class="sample">
    <h3>${swatch(sample.outcome)}${categoryCode} ${categoryName} <span class="tag">${plural(categoryCount, 'failure')}</span></h3>
    <p class="facts">
      ${sample.taskId}, sample ${sample.sampleIndex} · ${plural(sample.tokenCount, 'token')}, ended by
      ${sample.finishReason}${sample.meanLogprob !== null && ` · mean log-probability ${decimal(sample.meanLogprob, 3)}`}${
        failure.line === null ? ` · ${shorten(failure.headline, 200)}; no single line failed` : ` · fails at line ${failure.line}`
      }
    </p>
    ${programListing(sample.prompt, sample.completion, failure)} ${failure.assertion && assertionFacts(failure.assertion)}
  </article>`;
}

function assertionFacts({ source, returned, returnedType, expected, expectedType }: Assertion): Markup {
  const value = (text: string | null, type: string | null): Markup =>
    markup`<code>${text ?? 'not known'}</code>${type !== null && markup` <span class="tag">${type}</span>`}`;
  return markup`<dl class="facts-list">
    <dt>assertion</dt>
    <dd><code>${source}</code></dd>
    <dt>returned</dt>
    <dd>${value(returned, returnedType)}</dd>
    ${
      expected !== null &&
      markup`<dt>expected</dt>
        <dd>${value(expected, expectedType)}</dd>`
    }
  </dl>`;
}
