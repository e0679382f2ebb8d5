/** Where failing samples leave those that pass, by category, and how sure the model was there; no row where none does. */
import type { AtAndOverall, DivergenceCounts } from '../../analysis/first-divergence.js';
import type { CategoryKey } from '../../analysis/rows.js';
import { decimal, plural, whole } from '../format.js';
import { spreadColumns, spreadRows } from './spread.js';
import { reportTable, untold, type TableColumn } from './table.js';

type Row = DivergenceCounts & CategoryKey;

export const firstDivergenceTable = reportTable<Row>({
  name: 'first-divergence',
  caption: ({ analyses }) => {
    const found = analyses?.firstDivergence;
    return `The first token that leaves every passing sample of the problem, over the tokens of the sample${found === undefined ? '' : `: ${whole(found.position.count)} of ${plural(found.failures, 'failure')}`}. Quartiles by category; entropy in nats, there and over all tokens of the same samples.${untold(found?.missing)}`;
  },
  rows: ({ analyses }) =>
    analyses === null ? [] : spreadRows<DivergenceCounts>(analyses.firstDivergence, analyses.firstDivergence.categories),
  columns: () => [
    ...spreadColumns<Row>(),
    mean('entropy_at', ({ entropy }) => entropy?.at, 'entropy'),
    mean('entropy_overall', ({ entropy }) => entropy?.overall, 'overall'),
    mean('logprob_at', ({ logprob }) => logprob?.at),
    mean('logprob_overall', ({ logprob }) => logprob?.overall),
  ],
});

function mean(key: string, of: (row: Row) => AtAndOverall['at'] | undefined, title?: string): TableColumn<Row> {
  const value = (row: Row): number | null => of(row) ?? null;
  return { key, value, ...(title === undefined ? {} : { print: { title, numeric: true, cell: (row: Row) => decimal(value(row), 2) } }) };
}
