/** The columns of a spread, alike in all tables: count and quartiles (lower, median, upper) in print, their intervals and the histogram's tenths in the CSV beside them. */
import type { CategoryKey } from '../../analysis/rows.js';
import type { Spread } from '../../analysis/spread.js';
import { NO_VALUE, decimal, decimalEstimate, whole } from '../format.js';
import type { TableColumn } from './table.js';

export interface SpreadRow extends CategoryKey {
  readonly position: Spread;
}

/** All failures first, then the categories. */
export function spreadRows<T extends { readonly position: Spread }>(all: T, categories: readonly (T & CategoryKey)[]): (T & CategoryKey)[] {
  return all.position.count === 0 ? [] : [{ ...all, code: null, name: 'all' }, ...categories];
}

/** A quartile with its interval: `0.71 (0.66 to 0.75)`. */
export function quartileText({ quartiles, intervals }: Spread, at: 0 | 1 | 2): string {
  return quartiles === null || intervals === null ? NO_VALUE : decimalEstimate({ value: quartiles[at], ...intervals[at] }, 2);
}

/** @param printed the median alone where a line has no room for the quartiles beside it; it has its interval */
export function spreadColumns<Row extends SpreadRow>(printed: 'quartiles' | 'median'): TableColumn<Row>[] {
  const quartile = (key: string, title: string, at: 0 | 1 | 2): TableColumn<Row>[] => {
    const value = ({ position }: Row): number | null => position.quartiles?.[at] ?? null;
    const cell = ({ position }: Row): string => (at === 1 ? quartileText(position, at) : decimal(position.quartiles?.[at] ?? null, 2));
    return [
      { key, value, ...(at === 1 || printed === 'quartiles' ? { print: { title, numeric: true, cell } } : {}) },
      { key: `${key}_low`, value: ({ position }) => position.intervals?.[at].low ?? null },
      { key: `${key}_high`, value: ({ position }) => position.intervals?.[at].high ?? null },
    ];
  };
  return [
    { key: 'category_code', value: ({ code }) => code, print: { title: 'code' } },
    { key: 'category', value: ({ name }) => name, print: { title: 'category' } },
    {
      key: 'failures',
      value: ({ position }) => position.count,
      print: { title: 'failures', numeric: true, cell: ({ position }) => whole(position.count) },
    },
    ...quartile('lower_quartile', 'lower', 0),
    ...quartile('median', 'median', 1),
    ...quartile('upper_quartile', 'upper', 2),
    ...Array.from({ length: 10 }, (_, i): TableColumn<Row> => ({ key: `tenth_${i + 1}`, value: ({ position }) => position.histogram[i]! })),
  ];
}
