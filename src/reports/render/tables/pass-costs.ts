/** What stands beside pass@k in its tables: what k samples cost, in tokens, and how many of all samples crash. */
import type { ReportData } from '../../report-data.js';
import { percent, percentInterval, plural, seconds, whole } from '../format.js';
import type { TableColumn } from './table.js';

/** Tokens of k samples, and the crash rate, which is of one sample and alike in all rows: in the CSV alone, as the caption says it. */
export function passCostColumns<Row extends { readonly k: number }>({ costs, counts, crashRate }: ReportData): TableColumn<Row>[] {
  const tokens = (k: number): number | null => (counts.counted === 0 ? null : (k * costs.tokens) / counts.counted);
  return [
    {
      key: 'tokens',
      value: ({ k }) => tokens(k),
      print: { title: 'tokens', numeric: true, cell: ({ k }) => whole(Math.round(tokens(k) ?? 0)) },
    },
    { key: 'crash', value: () => crashRate.value },
    { key: 'crash_low', value: () => crashRate.low },
    { key: 'crash_high', value: () => crashRate.high },
  ];
}

/** The end of a caption. */
export function passCosts({ costs, crashRate }: ReportData): string {
  const drawn = costs.drawSeconds === null ? '' : ` in ${seconds(costs.drawSeconds)} by the clock`;
  return (
    ` Tokens are those of k samples, on the average. Crash rate ${percent(crashRate.value)} (${percentInterval(crashRate)}); in all ` +
    `${plural(costs.tokens, 'token')} drawn${drawn}, and ${plural(costs.executions, 'program')} executed in ${seconds(costs.wallSeconds)}.`
  );
}
