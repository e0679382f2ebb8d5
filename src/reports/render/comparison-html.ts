/** A comparison of strategies as one HTML file, in the frame of a report's page; its sections are `html/sections/strategies.ts`'s. */
import type { Analysis } from '../analysis/analysis.js';
import { comparisonMethodsParts } from '../comparison-methods.js';
import type { StrategyComparison } from '../strategy-comparison.js';
import { percent, plural, whole } from './format.js';
import { markup, type Markup } from './html/markup.js';
import { page } from './html/page.js';
import { groupsOf, strategiesSection, strategyFailuresSection, strategyTestsSection } from './html/sections/strategies.js';
import { table } from './html/table.js';
import { warning } from './html/warnings.js';
import type { Plot } from './plots/render.js';

export interface ComparisonPage {
  /** What the names of the strategies' experiments begin with. */
  readonly name: string;
  /** Of the first strategy. */
  readonly analysis: Analysis;
  readonly comparison: StrategyComparison;
}

/** @param plot null where there is nothing to draw */
export function renderComparison({ name, analysis, comparison }: ComparisonPage, plot: Plot | null): string {
  const { warnings, intervals } = comparison.bySetting;
  const { experiment } = analysis.report;
  return page({
    title: `${name}: comparison of strategies`,
    version: experiment.version,
    head: markup`<p class="eyebrow">faultline comparison of strategies</p>
      <h1>${name}</h1>
      <p class="lead">${lead(comparison)}</p>
      <p class="facts">
        Against ${comparison.against} · ${intervals.confidence * 100} % intervals over problems · ${whole(intervals.resamples)} resamples · faultline
        ${experiment.version}
      </p>
      ${warnings.map(warning)}`,
    sections: [
      ['strategies', 'Strategies'],
      ['tests', `Each against the first`],
      ['failures', 'Failures by family'],
      ['method', 'How this was made'],
    ],
    main: markup`${strategiesSection(comparison, plot)} ${strategyTestsSection(comparison)} ${strategyFailuresSection(comparison)}
      ${method(analysis, comparison)}`,
    foot:
      'The numbers as data, beside this page: comparison.json and differences.json; the figure as SVG and PDF in figures/, every table as CSV and ' +
      'LaTeX in tables/. Each strategy has a report of its own.',
  });
}

/** One sentence that says what happened. */
function lead(comparison: StrategyComparison): Markup {
  const { problems, experiments } = comparison.bySetting;
  const ranked = [...groupsOf(comparison)].sort((a, b) => (b.pass.value ?? 0) - (a.pass.value ?? 0));
  const [best, worst] = [ranked[0], ranked.at(-1)];
  const rates =
    best &&
    worst &&
    markup` Of their samples between ${percent(worst.pass.value)} (${worst.experiments.join(', ')}) and <b>${percent(best.pass.value)}</b>
      (${best.experiments.join(', ')}) pass.`;
  const left = problems.notInAll + problems.changed + problems.notJudged;
  return markup`<b>${plural(experiments.length, 'strategy', 'strategies')}</b> on ${plural(problems.compared, 'problem')} that all of them
    have.${rates}${left > 0 && markup` Left out: ${plural(left, 'problem')} that not all have, that are not the same, or that one has no judged sample of.`}`;
}

function method(analysis: Analysis, comparison: StrategyComparison): Markup {
  const { differing, experiments } = comparison.bySetting;
  return markup`<section id="method">
    <h2>How this was made</h2>
    <p class="methods" id="methods">
      ${comparisonMethodsParts(analysis, comparison).map((part) => (typeof part === 'string' ? part : markup`<code>${part.code}</code>`))}
    </p>
    ${
      differing.length > 0 &&
      markup`<h3>What differs</h3>
      ${table(
        differing,
        [
          { title: 'setting', header: true, cell: ({ key }) => markup`<code>${key}</code>` },
          ...experiments.map(({ label }, i) => ({ title: label, cell: ({ values }: (typeof differing)[number]) => values[i] ?? '' })),
        ],
        { id: 'settings-table', caption: 'Settings that are not the same for all strategies' },
      )}`
    }
  </section>`;
}
