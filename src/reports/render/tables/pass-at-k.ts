/** pass@k: the curve's rows in the CSV, the few that the page names in print. */
import type { PassAtK } from '../../report-data.js';
import { plural, whole } from '../format.js';
import { shareColumns } from './estimate.js';
import { passCostColumns, passCosts } from './pass-costs.js';
import { reportTable } from './table.js';

interface Row extends PassAtK {
  readonly named: boolean;
}

export const passAtKTable = reportTable<Row>({
  name: 'pass-at-k',
  caption: (data) =>
    `pass@k over ${plural(data.counts.problems, 'problem')}, by the unbiased estimator of Chen et al. (2021), with ${data.intervals.confidence * 100} % intervals by bootstrap over problems.${passCosts(data)}`,
  rows: ({ passCurve, passAtK }) => passCurve.map((row) => ({ ...row, named: passAtK.some(({ k }) => k === row.k) })),
  isPrinted: ({ named }) => named,
  columns: (data) => [
    { key: 'k', value: ({ k }) => k, print: { title: 'k', numeric: true, cell: ({ k }) => whole(k) } },
    ...shareColumns<Row>(
      ({ estimate }) => estimate,
      { value: 'pass_at_k', low: 'low', high: 'high', title: 'pass@k' },
      data.intervals.confidence,
    ),
    {
      key: 'problems',
      value: ({ problems }) => problems,
      print: { title: 'problems', numeric: true, cell: ({ problems }) => whole(problems) },
    },
    ...passCostColumns<Row>(data),
  ],
});
