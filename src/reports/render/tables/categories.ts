/** The failures by category. */
import type { CategoryShare } from '../../report-data.js';
import { plural, whole } from '../format.js';
import { shareColumns } from './estimate.js';
import { reportTable } from './table.js';

export const categoriesTable = reportTable<CategoryShare>({
  name: 'categories',
  caption: ({ counts, intervals }) =>
    `Failures by category: shares of ${plural(counts.failed, 'failure')} with ${intervals.confidence * 100} % intervals by bootstrap over problems.`,
  rows: ({ categories }) => categories,
  columns: ({ intervals }) => [
    { key: 'category_code', value: ({ code }) => code, print: { title: 'code' } },
    { key: 'category', value: ({ name }) => name, print: { title: 'category' } },
    // Not in print: the names of categories begin with it, and the line is short.
    { key: 'outcome', value: ({ outcome }) => outcome },
    { key: 'residual', value: ({ residual }) => residual },
    { key: 'failures', value: ({ count }) => count, print: { title: 'failures', numeric: true, cell: ({ count }) => whole(count) } },
    ...shareColumns<CategoryShare>(
      ({ share }) => share,
      { value: 'share', low: 'share_low', high: 'share_high', title: 'share' },
      intervals.confidence,
    ),
    {
      key: 'problems',
      value: ({ problems }) => problems,
      print: { title: 'problems', numeric: true, cell: ({ problems }) => whole(problems) },
    },
    { key: 'rule', value: ({ rule }) => rule },
  ],
});
