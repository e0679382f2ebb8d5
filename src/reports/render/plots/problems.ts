/** Every problem as one column of stacked outcome shares, best first: whether a few problems fail in their own way or all in the same. */
import { OUTCOME_ORDER } from '../../outcomes.js';
import type { ProblemRow, ReportData } from '../../report-data.js';
import { plural } from '../format.js';
import { colour } from './palette.js';
import type { PlotSpec } from './render.js';
import { outcomeChannel, stackedOutcomes } from './stacked-outcomes.js';

export function problemsPlot({ problems, outcomes }: ReportData): PlotSpec {
  const counted = problems.filter(({ samples }) => samples > 0);
  const present = OUTCOME_ORDER.filter((outcome) => outcomes.some((share) => share.outcome === outcome && share.count > 0));
  const share = (problem: ProblemRow, outcome: (typeof present)[number]): number => (problem.outcomes[outcome] ?? 0) / problem.samples;
  // Best first by pass share, then by each further outcome in turn, so that alike problems stand together; the sort is stable.
  const ordered = [...counted].sort((a, b) => {
    const decisive = present.find((outcome) => share(a, outcome) !== share(b, outcome));
    return decisive === undefined ? 0 : share(b, decisive) - share(a, decisive);
  });
  const values = ordered.flatMap((problem, column) =>
    stackedOutcomes(present, (outcome) => share(problem, outcome), { left: column, right: column + 1 }),
  );
  // A hairline of paper between columns, as long as columns are wide enough to spare it.
  const gap = ordered.length <= 200 ? 0.6 : 0;
  return {
    name: 'problems',
    description: `Stacked columns: outcome shares of ${plural(ordered.length, 'problem')}, one column each, ordered by share of passing samples. The table below has the numbers.`,
    spec: {
      // The whole drawing, axes included: as wide as the page's column.
      width: 880,
      height: 270,
      autosize: { type: 'fit', contains: 'padding' },
      data: { values },
      mark: { type: 'rect', stroke: colour('paper'), strokeWidth: gap },
      encoding: {
        x: {
          field: 'left',
          type: 'quantitative',
          title: 'problems, by share of passing samples',
          scale: { domain: [0, ordered.length], nice: false },
          axis: { grid: false, labels: false },
        },
        x2: { field: 'right' },
        y: {
          field: 'from',
          type: 'quantitative',
          title: 'share of samples',
          scale: { domain: [0, 1] },
          axis: { format: '.0%', values: [0, 0.25, 0.5, 0.75, 1], grid: false },
        },
        y2: { field: 'to' },
        color: outcomeChannel(present),
      },
    },
  };
}
