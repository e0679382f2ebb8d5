/** The columns of a spread, alike in all tables: count and quartiles (lower, median, upper) in print, the histogram's tenths in the CSV beside them. */
import type { CategoryKey } from '../../analysis/rows.js';
import type { Spread } from '../../analysis/spread.js';
import { decimal, whole } from '../format.js';
import type { TableColumn } from './table.js';

export interface SpreadRow extends CategoryKey {
  readonly position: Spread;
}

/** All failures first, then the categories. */
export function spreadRows<T extends { readonly position: Spread }>(all: T, categories: readonly (T & CategoryKey)[]): (T & CategoryKey)[] {
  return all.position.count === 0 ? [] : [{ ...all, code: null, name: 'all' }, ...categories];
}

export function spreadColumns<Row extends SpreadRow>(): TableColumn<Row>[] {
  const quartile = (key: string, title: string, at: 0 | 1 | 2): TableColumn<Row> => {
    const value = ({ position }: Row): number | null => position.quartiles?.[at] ?? null;
    return { key, value, print: { title, numeric: true, cell: (row) => decimal(value(row), 2) } };
  };
  return [
    { key: 'category_code', value: ({ code }) => code, print: { title: 'code' } },
    { key: 'category', value: ({ name }) => name, print: { title: 'category' } },
    {
      key: 'failures',
      value: ({ position }) => position.count,
      print: { title: 'failures', numeric: true, cell: ({ position }) => whole(position.count) },
    },
    quartile('lower_quartile', 'lower', 0),
    quartile('median', 'median', 1),
    quartile('upper_quartile', 'upper', 2),
    ...Array.from({ length: 10 }, (_, i): TableColumn<Row> => ({ key: `tenth_${i + 1}`, value: ({ position }) => position.histogram[i]! })),
  ];
}
