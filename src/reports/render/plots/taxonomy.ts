/** The failure taxonomy: one horizontal bar a category, grouped by outcome, with intervals. One bar for each row of the table. */
import { OUTCOMES, OUTCOME_ORDER } from '../../outcomes.js';
import type { CategoryShare, ReportData } from '../../report-data.js';
import { percent, plural } from '../format.js';
import { shorten, visibleLine } from '../visible.js';
import { colour, outcomeColour } from './palette.js';
import type { PlotSpec } from './render.js';

/** All in pixels. Text positions are given instead of measured: Vega cannot measure text without a canvas. */
const WIDTH = 520;
const LEFT = 315;
const ROW = 21;
const BAR = 13;
/** Between groups, in rows. */
const GAP = 0.6;

export function taxonomyPlot({ categories, counts, intervals }: ReportData): PlotSpec {
  const groups = OUTCOME_ORDER.map((outcome) => ({
    outcome,
    members: categories.filter((category) => category.outcome === outcome),
  })).filter(({ members }) => members.length > 0);
  let row = 0;
  const headings: { row: number; text: string }[] = [];
  const bars = groups.flatMap(({ outcome, members }) => {
    headings.push({ row: row + 0.5, text: OUTCOMES[outcome].label });
    const placed = members.map((category) => ({
      top: row + 0.5 - BAR / ROW / 2,
      middle: row + 0.5,
      bottom: row++ + 0.5 + BAR / ROW / 2,
      label: labelOf(category),
      outcome,
      share: category.share.value ?? 0,
      // A rule without length draws nothing: a row without an interval has no whisker.
      low: category.share.low ?? category.share.value,
      high: category.share.high ?? category.share.value,
      // The text stands right of whatever reaches further, bar or whisker.
      end: Math.max(category.share.value ?? 0, category.share.high ?? 0),
      text: percent(category.share.value),
    }));
    row += GAP;
    return placed;
  });
  const rows = row - GAP;
  const farthest = Math.max(...bars.map(({ end }) => end));
  const y = (field: string) => ({
    field,
    type: 'quantitative' as const,
    scale: { domain: [0, rows], reverse: true, nice: false },
    axis: null,
  });
  const x = {
    field: 'share',
    type: 'quantitative' as const,
    title: 'share of failures',
    // Room for the text beside the longest bar.
    scale: { domain: [0, farthest * 1.14], nice: false },
    axis: { format: '.0%', tickCount: 6 },
  };
  return {
    name: 'categories',
    description:
      `Bar chart: share of ${plural(counts.failed, 'failure')} in each of ${plural(categories.length, 'category', 'categories')}, grouped by outcome, with ` +
      `${intervals.confidence * 100} % intervals over problems. The table below has the numbers.`,
    spec: {
      width: WIDTH,
      height: rows * ROW,
      autosize: { type: 'none' },
      padding: { left: LEFT, right: 45, top: 4, bottom: 48 },
      layer: [
        {
          data: { values: bars },
          layer: [
            {
              mark: { type: 'rect' },
              encoding: {
                x,
                x2: { datum: 0 },
                y: y('top'),
                y2: { field: 'bottom' },
                color: {
                  field: 'outcome',
                  type: 'nominal',
                  legend: null,
                  scale: { domain: groups.map(({ outcome }) => outcome), range: groups.map(({ outcome }) => outcomeColour(outcome)) },
                },
              },
            },
            {
              mark: { type: 'rule', color: colour('ink'), strokeWidth: 1.25, opacity: 0.75 },
              encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y: y('middle') },
            },
            {
              mark: { type: 'text', align: 'left', dx: 6, fontSize: 11, color: colour('muted') },
              encoding: { x: { ...x, field: 'end' }, y: y('middle'), text: { field: 'text' } },
            },
            {
              mark: { type: 'text', align: 'right', dx: -8, fontSize: 12, color: colour('ink') },
              encoding: { x: { value: 0 }, y: y('middle'), text: { field: 'label' } },
            },
          ],
        },
        {
          data: { values: headings },
          mark: { type: 'text', align: 'left', dx: -LEFT, fontSize: 12, fontWeight: 'bold', color: colour('muted') },
          encoding: { x: { value: 0 }, y: y('row'), text: { field: 'text' } },
        },
      ],
    },
  };
}

/** Code and name, short enough for its place. Names may come from a config or a database: never trusted to be printable. */
function labelOf({ code, name }: CategoryShare): string {
  return shorten(visibleLine(code === null ? name : `${code} ${name}`), 32);
}
