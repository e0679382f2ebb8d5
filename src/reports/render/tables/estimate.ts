/** The columns of an estimate, alike in all tables: value, ends of the interval and its method in the CSV; value and interval in print. */
import type { Estimate } from '../../statistics/bootstrap.js';
import { percent, percentInterval } from '../format.js';
import type { TableColumn } from './table.js';

/** The level of the intervals as the heads of tables say it. */
export function intervalTitle(confidence: number): string {
  return `${confidence * 100} % interval`;
}

/**
 * Of a share.
 * @param names of the value, the ends and the method in the CSV (default of the last: `interval_method`; a table with two shares needs others), and of
 *   the value in print
 */
export function shareColumns<Row>(
  estimate: (row: Row) => Estimate,
  names: { readonly value: string; readonly low: string; readonly high: string; readonly title: string; readonly method?: string },
  confidence: number,
): TableColumn<Row>[] {
  return [
    {
      key: names.value,
      value: (row) => estimate(row).value,
      print: { title: names.title, numeric: true, cell: (row) => percent(estimate(row).value) },
    },
    { key: names.low, value: (row) => estimate(row).low },
    { key: names.high, value: (row) => estimate(row).high },
    {
      key: null,
      value: () => null,
      print: { title: intervalTitle(confidence), numeric: true, cell: (row) => percentInterval(estimate(row)) },
    },
    { key: names.method ?? 'interval_method', value: (row) => estimate(row).method },
  ];
}

/** The same as one printed column, for tables whose rates and costs would else be wider than a page: `12.3 (10.1–14.8)` below `TITLE, %`. */
export function narrowShareColumns<Row>(...[estimate, names, confidence]: Parameters<typeof shareColumns<Row>>): TableColumn<Row>[] {
  const [value, low, high, , method] = shareColumns(estimate, names, confidence);
  const cell = (row: Row): string => {
    const { value: share, low: from, high: to } = estimate(row);
    const text = percent(share).replace(' %', '');
    return from === null || to === null ? text : `${text} (${(100 * from).toFixed(1)}–${(100 * to).toFixed(1)})`;
  };
  return [{ ...value!, print: { title: `${names.title}, %`, numeric: true, cell } }, low!, high!, method!];
}
