/** Every problem. */
import { OUTCOME_ORDER } from '../../outcomes.js';
import type { ProblemRow } from '../../report-data.js';
import { NO_VALUE, decimal, percent, plural, whole } from '../format.js';
import { reportTable } from './table.js';

export const problemsTable = reportTable<ProblemRow>({
  name: 'problems',
  caption: ({ counts }) => `Samples, passes and the most frequent failure of ${plural(counts.problems, 'problem')}.`,
  rows: ({ problems }) => problems,
  columns: () => [
    { key: 'task_id', value: ({ taskId }) => taskId, print: { title: 'problem' } },
    { key: 'difficulty', value: ({ difficulty }) => difficulty },
    { key: 'samples', value: ({ samples }) => samples, print: { title: 'samples', numeric: true, cell: ({ samples }) => whole(samples) } },
    { key: 'infra', value: ({ infra }) => infra },
    { key: 'passes', value: ({ passes }) => passes, print: { title: 'passes', numeric: true, cell: ({ passes }) => whole(passes) } },
    {
      key: 'pass_at_1',
      value: ({ passAt1 }) => passAt1,
      print: { title: 'pass@1', numeric: true, cell: ({ passAt1 }) => percent(passAt1) },
    },
    ...OUTCOME_ORDER.map((outcome) => ({ key: `outcome_${outcome}`, value: ({ outcomes }: ProblemRow) => outcomes[outcome] ?? 0 })),
    { key: 'top_category_code', value: ({ topCategory }) => topCategory?.code ?? null },
    {
      key: 'top_category',
      value: ({ topCategory }) => topCategory?.name ?? null,
      print: {
        title: 'most frequent failure',
        cell: ({ topCategory: top }) => (top === null ? NO_VALUE : `${top.code ?? ''} ${top.name} (${whole(top.count)})`.trim()),
      },
    },
    { key: 'top_category_failures', value: ({ topCategory }) => topCategory?.count ?? null },
    {
      key: 'mean_tokens',
      value: ({ meanTokens }) => meanTokens,
      print: { title: 'mean tokens', numeric: true, cell: ({ meanTokens }) => decimal(meanTokens, 1) },
    },
  ],
});
