/**
 * What the texts say of how samples end: a cell for each class and measure, with the area under the ROC curve within problems. Deeper colours stand
 * for areas farther from 0.5, one for each side of it; bold ones have an interval that leaves 0.5 out. Both are in the numbers too: no cell relies on colour.
 */
import { MEASURES } from '../../../text-metrics/measures.js';
import type { ReportData, TextArea, TextTarget } from '../../report-data.js';
import { NO_VALUE, decimal, plural } from '../format.js';
import { shorten, visibleLine } from '../visible.js';
import { colour } from './palette.js';
import type { PlotSpec } from './render.js';

/** All in pixels. Text positions are given instead of measured: Vega cannot measure text without a canvas. */
const LEFT = 225;
const COLUMN = 37;
const ROW = 21;
/** For the measures' names, which stand on their heads' side. */
const TOP = 140;
/** From so far off 0.5 on colours get no deeper; and how deep that is, so that text can be read on it in light and dark. */
const FARTHEST = 0.3;
const DEEPEST = 0.45;

/** Null where no text was measured. */
export function textViewPlot({ textView }: ReportData): PlotSpec | null {
  if (textView === null) return null;
  const targets = textView.targets.filter(({ against }) => against === 'rest');
  const cells = targets.flatMap(({ measures }, row) => measures.map((area, column) => cell(area, row, column)));
  const x = (field: string) => ({
    field,
    type: 'quantitative' as const,
    scale: { domain: [0, MEASURES.length], nice: false },
    axis: null,
  });
  const y = (field: string) => ({
    field,
    type: 'quantitative' as const,
    scale: { domain: [0, targets.length], reverse: true, nice: false },
    axis: null,
  });
  const numbers = (weight: 'bold' | 'normal') => ({
    data: { values: cells.filter(({ isSure }) => isSure === (weight === 'bold')) },
    mark: { type: 'text' as const, fontSize: 11, fontWeight: weight, color: colour('ink') },
    encoding: { x: x('middle'), y: y('centre'), text: { field: 'text' } },
  });
  return {
    name: 'text-view',
    description:
      `Table of ${plural(targets.length, 'class', 'classes')} by ${plural(MEASURES.length, 'measure')} of text: area under the ROC curve within problems, of each class against ` +
      'all other samples. Bold where the interval leaves 0.5 out. The tables below have the intervals.',
    spec: {
      width: MEASURES.length * COLUMN,
      height: targets.length * ROW,
      autosize: { type: 'none' },
      padding: { left: LEFT, right: 26, top: TOP, bottom: 4 },
      layer: [
        {
          data: { values: cells },
          mark: { type: 'rect' },
          encoding: {
            x: x('left'),
            x2: { field: 'right' },
            y: y('top'),
            y2: { field: 'bottom' },
            color: {
              field: 'side',
              type: 'nominal',
              legend: null,
              scale: { domain: ['above', 'below'], range: [colour('accent'), colour('outcome-wrong')] },
            },
            opacity: { field: 'depth', type: 'quantitative', scale: null, legend: null },
          },
        },
        numbers('bold'),
        numbers('normal'),
        {
          data: { values: targets.map((target, row) => ({ centre: row + 0.5, label: labelOf(target) })) },
          mark: { type: 'text', align: 'right', dx: -8, fontSize: 12, color: colour('ink') },
          encoding: { x: { value: 0 }, y: y('centre'), text: { field: 'label' } },
        },
        {
          data: { values: MEASURES.map(({ title }, column) => ({ middle: column + 0.5, label: title })) },
          mark: { type: 'text', align: 'left', baseline: 'middle', angle: -90, dx: 8, fontSize: 12, color: colour('muted') },
          encoding: { x: x('middle'), y: { value: 0 }, text: { field: 'label' } },
        },
      ],
    },
  };
}

function cell({ within: { value, low, high } }: TextArea, row: number, column: number) {
  return {
    left: column,
    right: column + 1,
    middle: column + 0.5,
    top: row,
    bottom: row + 1,
    centre: row + 0.5,
    text: value === null ? NO_VALUE : decimal(value, 2),
    side: (value ?? 0.5) < 0.5 ? 'below' : 'above',
    depth: DEEPEST * Math.min(1, Math.abs((value ?? 0.5) - 0.5) / FARTHEST),
    isSure: low !== null && high !== null && (low > 0.5 || high < 0.5),
  };
}

/** Names may come from a config or a database: never trusted to be printable. */
function labelOf({ code, name }: TextTarget): string {
  return shorten(visibleLine(code === null ? name : `${code} ${name}`), 32);
}
