/** How samples ended, coarsely: one bar and one table. */
import { OUTCOMES, type CountedOutcome } from '../../../outcomes.js';
import type { ReportData } from '../../../report-data.js';
import { percent, percentInterval, whole } from '../../format.js';
import { outcomeColour } from '../../plots/palette.js';
import { markup, trusted, type Markup } from '../markup.js';
import { table } from '../table.js';
import { warningsAt } from '../warnings.js';

export function outcomesSection(data: ReportData): Markup {
  const { outcomes, intervals } = data;
  const shown = outcomes.filter(({ count }) => count > 0);
  return markup`<section id="outcomes">
    <h2>Outcomes</h2>
    ${outcomeBar(shown.map(({ outcome, count }) => [outcome, count]))}
    ${table(
      outcomes,
      [
        {
          title: 'outcome',
          header: true,
          cell: ({ outcome }) => markup`${outcomeName(outcome)}<small>${OUTCOMES[outcome].meaning}</small>`,
        },
        { title: 'samples', numeric: true, cell: ({ count }) => whole(count), sortBy: ({ count }) => count },
        { title: 'share', numeric: true, cell: ({ share }) => percent(share.value), sortBy: ({ share }) => share.value ?? -1 },
        { title: `${intervals.confidence * 100} % interval`, numeric: true, cell: ({ share }) => percentInterval(share) },
      ],
      { id: 'outcome-table', caption: 'Outcomes of all counted samples' },
    )}
    ${warningsAt(data, 'outcomes')}
  </section>`;
}

/** An outcome's swatch and label, on one line. */
export function outcomeName(outcome: CountedOutcome): Markup {
  return markup`<span class="outcome">${swatch(outcome)}${OUTCOMES[outcome].label}</span>`;
}

export function swatch(outcome: CountedOutcome): Markup {
  return markup`<span class="swatch" style="background:${trusted(outcomeColour(outcome))}" aria-hidden="true"></span>`;
}

/** A stacked bar of counts. For the eye only: the numbers stand beside it. */
export function outcomeBar(counts: readonly (readonly [CountedOutcome, number])[], size: 'full' | 'mini' = 'full'): Markup {
  return markup`<div class="bar${size === 'mini' && ' mini'}" aria-hidden="true">
    ${counts.map(
      ([outcome, count]) =>
        markup`<span style="flex:${count};background:${trusted(outcomeColour(outcome))}" title="${OUTCOMES[outcome].label}: ${whole(count)}"></span>`,
    )}
  </div>`;
}
