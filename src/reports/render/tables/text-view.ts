/** The areas of every class and measure in the CSV, those of passes and crashes in print; no row where no text was measured. */
import { MEASURES } from '../../../text-metrics/measures.js';
import type { TextArea, TextTarget } from '../../report-data.js';
import type { Estimate } from '../../statistics/bootstrap.js';
import { decimalEstimate } from '../format.js';
import { reportTable } from './table.js';

interface Row {
  readonly target: TextTarget;
  readonly area: TextArea;
}

export const textViewTable = reportTable<Row>({
  name: 'text-view',
  caption: ({ intervals }) =>
    'How well each measure of a sample’s text tells passes and crashes from the other samples: area under the ROC curve of the raw value, over ' +
    `all pairs and within problems, with ${intervals.confidence * 100} % intervals by bootstrap over problems.`,
  rows: ({ textView }) => textView?.targets.flatMap((target) => target.measures.map((area) => ({ target, area }))) ?? [],
  isPrinted: ({ target }) => target.kind !== 'category',
  columns: () => [
    { key: 'target', value: ({ target }) => target.kind, print: { title: 'class' } },
    { key: 'category_code', value: ({ target }) => target.code },
    { key: 'category', value: ({ target }) => (target.kind === 'category' ? target.name : null) },
    { key: 'against', value: ({ target }) => target.against },
    {
      key: 'measure',
      value: ({ area }) => area.measure,
      print: { title: 'measure', cell: ({ area }) => MEASURES.find(({ key }) => key === area.measure)?.title ?? area.measure },
    },
    { key: 'better', value: ({ area }) => area.better },
    { key: 'positives', value: ({ area }) => area.positives },
    { key: 'negatives', value: ({ area }) => area.negatives },
    {
      key: 'pooled_auroc',
      value: ({ area }) => area.pooled.value,
      print: { title: 'all pairs', numeric: true, cell: ({ area }) => areaText(area.pooled) },
    },
    { key: 'pooled_low', value: ({ area }) => area.pooled.low },
    { key: 'pooled_high', value: ({ area }) => area.pooled.high },
    { key: 'pooled_interval_method', value: ({ area }) => area.pooled.method },
    {
      key: 'within_auroc',
      value: ({ area }) => area.within.value,
      print: { title: 'within problems', numeric: true, cell: ({ area }) => areaText(area.within) },
    },
    { key: 'within_low', value: ({ area }) => area.within.low },
    { key: 'within_high', value: ({ area }) => area.within.high },
    { key: 'within_interval_method', value: ({ area }) => area.within.method },
    { key: 'mixed_problems', value: ({ area }) => area.mixedProblems },
    { key: 'missing', value: ({ area }) => area.missing },
  ],
});

/** An area with its interval: `0.71 (0.66 to 0.75)`. */
export function areaText(area: Estimate): string {
  return decimalEstimate(area, 2);
}
