/** Where failing samples leave those that pass, by category, and how sure the model was there; no row where none does. */
import type { AtAndOverall, DivergenceCounts, MeanAtAndOverall } from '../../analysis/first-divergence.js';
import type { CategoryKey } from '../../analysis/rows.js';
import { decimal, plural, whole } from '../format.js';
import { spreadColumns, spreadRows } from './spread.js';
import { reportTable, untold, type TableColumn } from './table.js';

type Row = DivergenceCounts & CategoryKey;

export const firstDivergenceTable = reportTable<Row>({
  name: 'first-divergence',
  caption: ({ analyses, intervals }) => {
    const found = analyses?.firstDivergence;
    return `The first token that leaves every passing sample of the problem, over the tokens of the sample${found === undefined ? '' : `: ${whole(found.position.count)} of ${plural(found.failures, 'failure')}`}. Median by category with its ${intervals.confidence * 100} % interval over problems; entropy in nats, there and over all tokens of the same samples. Quartiles, and intervals of all, are in the CSV.${untold(found?.missing)}`;
  },
  rows: ({ analyses }) =>
    analyses === null ? [] : spreadRows<DivergenceCounts>(analyses.firstDivergence, analyses.firstDivergence.categories),
  columns: () => [
    ...spreadColumns<Row>('median'),
    ...mean('entropy', ({ entropy }) => entropy, { at: 'entropy', overall: 'overall' }),
    ...mean('logprob', ({ logprob }) => logprob),
  ],
});

function mean(
  name: string,
  of: (row: Row) => MeanAtAndOverall | null,
  titles?: Readonly<Record<keyof AtAndOverall, string>>,
): TableColumn<Row>[] {
  return (['at', 'overall'] as const).flatMap((which): TableColumn<Row>[] => {
    const value = (row: Row): number | null => of(row)?.[which] ?? null;
    const key = `${name}_${which}`;
    return [
      {
        key,
        value,
        ...(titles === undefined ? {} : { print: { title: titles[which], numeric: true, cell: (row: Row) => decimal(value(row), 2) } }),
      },
      { key: `${key}_low`, value: (row) => of(row)?.intervals[which].low ?? null },
      { key: `${key}_high`, value: (row) => of(row)?.intervals[which].high ?? null },
    ];
  });
}
