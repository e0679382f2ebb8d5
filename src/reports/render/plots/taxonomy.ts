/** The failure taxonomy: one horizontal bar a category, grouped by outcome, with intervals. One bar for each row of the table. */
import { OUTCOMES, OUTCOME_ORDER } from '../../outcomes.js';
import type { CategoryShare, ReportData } from '../../report-data.js';
import { percent, plural } from '../format.js';
import { shorten, visibleLine } from '../visible.js';
import { colour, outcomeColour } from './palette.js';
import type { PlotSpec } from './render.js';

/** Fixed, so that groups align: Vega cannot measure text without a canvas. */
const LABEL_WIDTH = 205;
const HEADER_WIDTH = 96;

export function taxonomyPlot({ categories, counts, intervals }: ReportData): PlotSpec {
  const present = OUTCOME_ORDER.filter((outcome) => categories.some((category) => category.outcome === outcome));
  const most = Math.max(...categories.map(({ share }) => share.high ?? share.value ?? 0));
  return {
    name: 'categories',
    description:
      `Bar chart: share of ${plural(counts.failed, 'failure')} in each of ${plural(categories.length, 'category', 'categories')}, grouped by outcome, with ` +
      `${intervals.confidence * 100} % intervals over problems. The table below has the numbers.`,
    spec: {
      data: {
        values: categories.map((category, position) => ({
          position,
          label: labelOf(category),
          outcome: OUTCOMES[category.outcome].label,
          share: category.share.value ?? 0,
          low: category.share.low,
          high: category.share.high,
          // The text stands right of whatever reaches further, bar or whisker.
          end: Math.max(category.share.value ?? 0, category.share.high ?? 0),
          text: percent(category.share.value),
        })),
      },
      facet: {
        row: {
          field: 'outcome',
          type: 'nominal',
          title: null,
          sort: present.map((outcome) => OUTCOMES[outcome].label),
          header: { labelAngle: 0, labelAlign: 'left', labelAnchor: 'middle', labelPadding: HEADER_WIDTH, labelFontWeight: 'bold' },
        },
      },
      spacing: 14,
      resolve: { scale: { y: 'independent' } },
      spec: {
        width: 440,
        height: { step: 21 },
        encoding: {
          y: {
            field: 'label',
            type: 'nominal',
            title: null,
            sort: { field: 'position', op: 'min' },
            axis: { minExtent: LABEL_WIDTH, maxExtent: LABEL_WIDTH, labelLimit: LABEL_WIDTH },
          },
        },
        layer: [
          {
            mark: { type: 'bar', height: 13, cornerRadiusEnd: 1.5 },
            encoding: {
              x: {
                field: 'share',
                type: 'quantitative',
                title: 'share of failures',
                // Room for the text beside the longest bar.
                scale: { domain: [0, most * 1.14], nice: false },
                axis: { format: '.0%', tickCount: 6 },
              },
              color: {
                field: 'outcome',
                type: 'nominal',
                legend: null,
                scale: { domain: present.map((outcome) => OUTCOMES[outcome].label), range: present.map(outcomeColour) },
              },
            },
          },
          {
            transform: [{ filter: 'isValid(datum.low) && isValid(datum.high)' }],
            mark: { type: 'rule', color: colour('ink'), strokeWidth: 1.25, opacity: 0.75 },
            encoding: { x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } },
          },
          {
            mark: { type: 'text', align: 'left', dx: 6, fontSize: 11, color: colour('muted') },
            encoding: { x: { field: 'end', type: 'quantitative' }, text: { field: 'text' } },
          },
        ],
      },
    },
  };
}

/** Code and name, short enough for the axis. Names may come from a config or a database: never trusted to be printable. */
function labelOf({ code, name }: CategoryShare): string {
  return shorten(visibleLine(code === null ? name : `${code} ${name}`), 32);
}
