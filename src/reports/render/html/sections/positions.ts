/** Where samples fail: the failing line along the program, and the first token that leaves every passing sample of the problem. */
import type { FailurePosition, PositionCounts } from '../../../analysis/failure-position.js';
import type { AtAndOverall, DivergenceCounts, FirstDivergence, MeanAtAndOverall } from '../../../analysis/first-divergence.js';
import type { CategoryKey } from '../../../analysis/rows.js';
import type { Analyses, ReportData } from '../../../report-data.js';
import { NO_VALUE, decimalEstimate, plural, whole } from '../../format.js';
import type { Plot } from '../../plots/render.js';
import { quartileText, spreadRows, type SpreadRow } from '../../tables/spread.js';
import { figure } from '../figure.js';
import { markup, type Markup } from '../markup.js';
import { table, type Column } from '../table.js';
import { warningsAt } from '../warnings.js';
import { nameOf } from './assertions.js';

export interface PositionPlots {
  readonly failurePosition: Plot | null;
  readonly firstDivergence: Plot | null;
}

export function positionsSection(
  { failurePosition, firstDivergence, positionResamples }: Analyses,
  plots: PositionPlots,
  data: ReportData,
): Markup {
  return markup`<section id="positions">
    <h2>Where samples fail</h2>
    <p>
      Quartiles and means with ${data.intervals.confidence * 100} % intervals over problems (${whole(positionResamples)} resamples).
    </p>
    ${position(failurePosition, plots.failurePosition)} ${warningsAt(data, 'failure_position')}
    ${divergence(firstDivergence, plots.firstDivergence)} ${warningsAt(data, 'first_divergence')}
  </section>`;
}

function position(found: FailurePosition, plot: Plot | null): Markup {
  const { failures, position: all, withoutLine, inPrompt, oneLine, categories } = found;
  const others = markup`Without a line, as wrong answers, limits and signals are: ${whole(withoutLine)}; in the prompt: ${whole(inPrompt)}; in
    programs of one line, which fail nowhere else: ${whole(oneLine)}.`;
  return markup`<h3>The failing line</h3>
    ${
      all.count === 0
        ? markup`<p>None of ${plural(failures, 'failure')} has a failing line that could be placed.${failures > 0 && markup` ${others}`}</p>`
        : markup`<p>
              The failing line over the lines of the completion, 1 for the last one, of ${whole(all.count)} of ${plural(failures, 'failure')}.
              ${others}
            </p>
            ${plot && figure(plot, 'Failing lines along the completion, in tenths of its lines, by outcome.')}
            ${table(spreadRows<PositionCounts>(found, categories), spreadColumns<PositionCounts & CategoryKey>(), {
              id: 'position-table',
              caption: 'Failing line over the lines of the completion, by category',
            })}`
    }`;
}

function divergence(found: FirstDivergence, plot: Plot | null): Markup {
  const { failures, position: all, withoutTokens, withoutSibling, beginnings, categories, missing, logprob, entropy } = found;
  return markup`<h3>The first token that no passing sample shares</h3>
    ${
      missing !== null
        ? markup`<p>Nothing to show: ${missing}.</p>`
        : markup`<p>
              Where a failing sample leaves every passing sample of its problem, over its tokens, for ${whole(all.count)} of
              ${plural(failures, 'failure')}. Without stored tokens: ${whole(withoutTokens)}; of problems that nothing passes:
              ${whole(withoutSibling)}; beginnings of a passing sample: ${whole(beginnings)}. The model’s mean entropy there is
              ${mean(entropy, 'at')} nats, over all tokens of the same samples ${mean(entropy, 'overall')}; its mean log-probability
              ${mean(logprob, 'at')} and ${mean(logprob, 'overall')}.
            </p>
            ${plot && figure(plot, 'First tokens that leave every passing sample, in tenths of the sample’s tokens, by outcome.')}
            ${table(
              spreadRows<DivergenceCounts>(found, categories),
              [
                ...spreadColumns<DivergenceCounts & CategoryKey>(),
                { title: 'entropy there', numeric: true, cell: (row) => mean(row.entropy, 'at'), sortBy: (row) => row.entropy?.at ?? -1 },
                {
                  title: 'entropy overall',
                  numeric: true,
                  cell: (row) => mean(row.entropy, 'overall'),
                  sortBy: (row) => row.entropy?.overall ?? -1,
                },
              ],
              { id: 'divergence-table', caption: 'First token that leaves every passing sample, by category' },
            )}`
    }`;
}

function spreadColumns<Row extends SpreadRow>(): Column<Row>[] {
  const quartile = (title: string, at: 0 | 1 | 2): Column<Row> => {
    const value = (row: Row): number | null => row.position.quartiles?.[at] ?? null;
    return { title, numeric: true, cell: (row) => quartileText(row.position, at), sortBy: (row) => value(row) ?? -1 };
  };
  return [
    { title: 'category', header: true, cell: nameOf, sortBy: nameOf },
    { title: 'failures', numeric: true, cell: ({ position: { count } }) => whole(count), sortBy: ({ position: { count } }) => count },
    quartile('lower quartile', 0),
    quartile('median', 1),
    quartile('upper quartile', 2),
  ];
}

/** The mean with its interval. */
function mean(of: MeanAtAndOverall | null, which: keyof AtAndOverall): string {
  return of === null ? NO_VALUE : decimalEstimate({ value: of[which], ...of.intervals[which] }, 2);
}
