/** Every problem: a plot of all, and a row each. */
import { OUTCOME_ORDER } from '../../../outcomes.js';
import type { ProblemRow, ReportData } from '../../../report-data.js';
import { NO_VALUE, percent, plural, whole } from '../../format.js';
import type { Plot } from '../../plots/render.js';
import { crashRateOf } from '../../tables/problems.js';
import { figure } from '../figure.js';
import { markup, type Markup } from '../markup.js';
import { table, type Column } from '../table.js';
import { costColumns } from './cost-columns.js';
import { outcomeBar } from './outcomes.js';

export function problemsSection({ problems, counts }: ReportData, plot: Plot | null): Markup {
  const columns: Column<ProblemRow>[] = [
    { title: 'problem', header: true, cell: ({ taskId }) => taskId, sortBy: ({ taskId }) => taskId },
    ...(problems.some(({ difficulty }) => difficulty !== null)
      ? [
          {
            title: 'difficulty',
            numeric: true,
            cell: ({ difficulty }: ProblemRow) => (difficulty === null ? NO_VALUE : whole(difficulty)),
            sortBy: ({ difficulty }: ProblemRow) => difficulty ?? -1,
          },
        ]
      : []),
    { title: 'samples', numeric: true, cell: ({ samples }) => whole(samples), sortBy: ({ samples }) => samples },
    { title: 'passes', numeric: true, cell: ({ passes }) => whole(passes), sortBy: ({ passes }) => passes },
    { title: 'pass@1', numeric: true, cell: ({ passAt1 }) => percent(passAt1), sortBy: ({ passAt1 }) => passAt1 ?? -1 },
    { title: 'crash', numeric: true, cell: (row) => percent(crashRateOf(row)), sortBy: (row) => crashRateOf(row) ?? -1 },
    {
      title: 'outcomes',
      cell: ({ outcomes }) =>
        outcomeBar(
          OUTCOME_ORDER.flatMap((outcome) => {
            const count = outcomes[outcome];
            return count === undefined ? [] : [[outcome, count] as const];
          }),
          'mini',
        ),
    },
    {
      title: 'most frequent failure',
      cell: ({ topCategory: top }) => (top === null ? NO_VALUE : `${top.code ?? ''} ${top.name} (${whole(top.count)})`),
      sortBy: ({ topCategory: top }) => `${top?.code ?? '~'} ${top?.name ?? ''}`,
    },
    ...costColumns<ProblemRow>(),
  ];
  return markup`<section id="problems">
    <h2>Problems</h2>
    <p>
      ${plural(counts.solvedProblems, 'problem')} of ${whole(counts.problems)} ${counts.solvedProblems === 1 ? 'has' : 'have'} at least one
      passing sample.
    </p>
    ${plot && figure(plot, 'Outcome shares of every problem, one column each, ordered by share of passing samples.')}
    ${table(problems, columns, { id: 'problem-table', caption: 'Problems', tall: problems.length > 20 })}
  </section>`;
}
