/** Strategies one below the other: passes and crashes as points with their intervals, two lines for each row of the table. */
import type { SettingGroup } from '../../analysis/by-setting.js';
import type { Intervals } from '../../report-data.js';
import type { Estimate } from '../../statistics/bootstrap.js';
import { percent } from '../format.js';
import { shorten, visibleLine } from '../visible.js';
import { colour, outcomeColour } from './palette.js';
import type { PlotSpec } from './render.js';

/** All in pixels. Text positions are given instead of measured: Vega cannot measure text without a canvas. */
const WIDTH = 560;
const LEFT = 275;
const ROW = 20;
/** Between strategies, in rows. */
const GAP = 0.6;

/** @param groups of one experiment each; at least one */
export function strategiesPlot(groups: readonly SettingGroup[], { confidence }: Intervals): PlotSpec {
  const names = groups.map(({ experiments }, i) => ({ row: i * (2 + GAP) + 1, text: shorten(visibleLine(experiments.join(', ')), 36) }));
  const points = groups.flatMap(
    ({ pass, crash }, i) =>
    ([['pass', pass], ['crash', crash]] as const).map(([rate, estimate], line) => pointOf(rate, estimate, i * (2 + GAP) + line + 0.5)), // prettier-ignore
  );
  const rows = groups.length * (2 + GAP) - GAP;
  const y = {
    field: 'row',
    type: 'quantitative' as const,
    scale: { domain: [0, rows], reverse: true, nice: false },
    axis: null,
  };
  const x = {
    field: 'share',
    type: 'quantitative' as const,
    title: 'share of samples',
    // Room for the text beside what reaches furthest.
    scale: { domain: [0, Math.max(0.01, ...points.map(({ end }) => end)) * 1.2], nice: false },
    axis: { format: '.0%', tickCount: 6 },
  };
  const color = {
    field: 'rate',
    type: 'nominal' as const,
    legend: null,
    scale: { domain: ['pass', 'crash'], range: [outcomeColour('pass'), outcomeColour('crash')] },
  };
  return {
    name: 'strategies',
    description: `Points with intervals: share of samples that pass and that crash, of ${groups.length} strategies, with ${confidence * 100} % intervals over problems. The table below has the numbers.`,
    spec: {
      width: WIDTH,
      height: rows * ROW,
      autosize: { type: 'none' },
      padding: { left: LEFT, right: 45, top: 4, bottom: 48 },
      layer: [
        {
          data: { values: points },
          layer: [
            { mark: { type: 'rule', strokeWidth: 2 }, encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' }, y, color } },
            { mark: { type: 'point', filled: true, opacity: 1, size: 60 }, encoding: { x, y, color } },
            {
              mark: { type: 'text', align: 'left', dx: 8, fontSize: 11, color: colour('muted') },
              encoding: { x: { ...x, field: 'end' }, y, text: { field: 'text' } },
            },
          ],
        },
        {
          data: { values: names },
          mark: { type: 'text', align: 'right', dx: -12, fontSize: 12, color: colour('ink') },
          encoding: { x: { value: 0 }, y, text: { field: 'text' } },
        },
      ],
    },
  };
}

function pointOf(rate: 'pass' | 'crash', { value, low, high }: Estimate, row: number): Record<string, number | string> & { end: number } {
  const share = value ?? 0;
  // A rule without length draws nothing: a rate without an interval has no whisker.
  return {
    rate,
    row,
    share,
    low: low ?? share,
    high: high ?? share,
    end: Math.max(share, high ?? share),
    text: `${percent(value)} ${rate}`,
  };
}
