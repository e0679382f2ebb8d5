/** Every problem. */
import { CRASHES, OUTCOME_ORDER } from '../../outcomes.js';
import type { ProblemRow } from '../../report-data.js';
import { NO_VALUE, percent, plural, whole } from '../format.js';
import { COST_COLUMNS, costColumns } from './cost-columns.js';
import { reportTable } from './table.js';

/** The share of the samples that crash; null without a counted sample. */
export function crashRateOf({ outcomes, samples }: ProblemRow): number | null {
  return samples === 0 ? null : CRASHES.reduce((count, outcome) => count + (outcomes[outcome] ?? 0), 0) / samples;
}

export const problemsTable = reportTable<ProblemRow>({
  name: 'problems',
  caption: ({ counts }) =>
    `Passes and crashes of ${plural(counts.problems, 'problem')}, as shares of n samples; ${COST_COLUMNS}; top is the most frequent category of failures, and how many there are of it.`,
  rows: ({ problems }) => problems,
  columns: () => [
    { key: 'task_id', value: ({ taskId }) => taskId, print: { title: 'problem' } },
    { key: 'difficulty', value: ({ difficulty }) => difficulty },
    { key: 'samples', value: ({ samples }) => samples, print: { title: 'n', numeric: true, cell: ({ samples }) => whole(samples) } },
    { key: 'infra', value: ({ infra }) => infra },
    // Not in print, as pass@1 of the samples says it in less room.
    { key: 'passes', value: ({ passes }) => passes },
    {
      key: 'pass_at_1',
      value: ({ passAt1 }) => passAt1,
      print: { title: 'pass@1', numeric: true, cell: ({ passAt1 }) => percent(passAt1) },
    },
    { key: 'crash', value: crashRateOf, print: { title: 'crash', numeric: true, cell: (row) => percent(crashRateOf(row)) } },
    ...costColumns<ProblemRow>(),
    ...OUTCOME_ORDER.map((outcome) => ({ key: `outcome_${outcome}`, value: ({ outcomes }: ProblemRow) => outcomes[outcome] ?? 0 })),
    {
      key: 'top_category_code',
      value: ({ topCategory }) => topCategory?.code ?? null,
      // Its name is in the CSV and in the table of categories: beside the costs there is no room for it.
      print: { title: 'top', cell: ({ topCategory: top }) => (top === null ? NO_VALUE : `${top.code ?? 'other'} (${whole(top.count)})`) },
    },
    { key: 'top_category', value: ({ topCategory }) => topCategory?.name ?? null },
    { key: 'top_category_failures', value: ({ topCategory }) => topCategory?.count ?? null },
  ],
});
