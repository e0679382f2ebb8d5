/** For each class the measure of text that tells it best from the other samples of the same problems; no row where no text was measured. */
import { MEASURES } from '../../../text-metrics/measures.js';
import type { TextArea, TextTarget } from '../../report-data.js';
import { NO_VALUE, whole } from '../format.js';
import { reportTable } from './table.js';
import { areaText } from './text-view.js';

interface Row {
  readonly target: TextTarget;
  /** Null where nothing can be said of any measure. */
  readonly best: TextArea | null;
}

export const textViewBestTable = reportTable<Row>({
  name: 'text-view-best',
  caption: ({ textView, intervals }) =>
    'For passes, crashes and each category that is large enough, the measure of text whose area under the ROC curve within problems is farthest from 0.5, against all other ' +
    `samples; below 0.5 the class has the smaller values. ${(textView?.intervals ?? intervals).confidence * 100} % intervals by bootstrap over problems, not corrected for the ` +
    `choice among ${MEASURES.length} measures.`,
  rows: ({ textView }) =>
    (textView?.targets ?? []).filter(({ against }) => against === 'rest').map((target) => ({ target, best: bestOf(target) })),
  columns: () => [
    { key: 'category_code', value: ({ target }) => target.code, print: { title: 'code' } },
    { key: 'class', value: ({ target }) => target.name, print: { title: 'class' } },
    {
      key: 'samples',
      value: ({ target }) => target.samples,
      print: { title: 'samples', numeric: true, cell: ({ target }) => whole(target.samples) },
    },
    { key: 'problems', value: ({ target }) => target.problems },
    {
      key: 'measure',
      value: ({ best }) => best?.measure ?? null,
      print: { title: 'measure', cell: ({ best }) => MEASURES.find(({ key }) => key === best?.measure)?.title ?? NO_VALUE },
    },
    {
      key: 'within_auroc',
      value: ({ best }) => best?.within.value ?? null,
      print: { title: 'within problems', numeric: true, cell: ({ best }) => (best === null ? NO_VALUE : areaText(best.within)) },
    },
    { key: 'within_low', value: ({ best }) => best?.within.low ?? null },
    { key: 'within_high', value: ({ best }) => best?.within.high ?? null },
    { key: 'within_interval_method', value: ({ best }) => best?.within.method ?? null },
    { key: 'mixed_problems', value: ({ best }) => best?.mixedProblems ?? null },
    { key: 'pooled_auroc', value: ({ best }) => best?.pooled.value ?? null },
    { key: 'pooled_low', value: ({ best }) => best?.pooled.low ?? null },
    { key: 'pooled_high', value: ({ best }) => best?.pooled.high ?? null },
  ],
});

/** The first of those that are farthest from chance, either side. */
function bestOf({ measures }: TextTarget): TextArea | null {
  const distance = ({ within }: TextArea): number => (within.value === null ? -1 : Math.abs(within.value - 0.5));
  const best = measures.reduce((found, each) => (distance(each) > distance(found) ? each : found));
  return best.within.value === null ? null : best;
}
