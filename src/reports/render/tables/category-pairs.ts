/** Two categories among the failures of one problem: every pair in the CSV, the most frequent in print. */
import type { CategoryPair } from '../../analysis/co-occurrence.js';
import { decimal, whole } from '../format.js';
import { reportTable } from './table.js';

/** Rows that are printed. */
const MOST = 20;

interface Row extends CategoryPair {
  readonly printed: boolean;
}

export const categoryPairsTable = reportTable<Row>({
  name: 'category-pairs',
  caption: () =>
    `Problems with failures of two categories, the ${MOST} most frequent pairs, beside how many there would be if categories fell on problems independently of each other.`,
  rows: ({ analyses }) => (analyses?.coOccurrence.problems ?? []).map((each, i) => ({ ...each, printed: i < MOST })),
  isPrinted: ({ printed }) => printed,
  columns: () => [
    { key: 'a_code', value: ({ a }) => a.code },
    { key: 'a', value: ({ a }) => a.name, print: { title: 'one', cell: ({ a }) => `${a.code ?? ''} ${a.name}`.trim() } },
    { key: 'b_code', value: ({ b }) => b.code },
    { key: 'b', value: ({ b }) => b.name, print: { title: 'another', cell: ({ b }) => `${b.code ?? ''} ${b.name}`.trim() } },
    { key: 'problems_with_both', value: ({ both }) => both, print: { title: 'both', numeric: true, cell: ({ both }) => whole(both) } },
    { key: 'problems_with_a', value: ({ withA }) => withA },
    { key: 'problems_with_b', value: ({ withB }) => withB },
    {
      key: 'expected',
      value: ({ expected }) => expected,
      print: { title: 'if independent', numeric: true, cell: ({ expected }) => decimal(expected, 1) },
    },
  ],
});
