/** pass@k against k, with its interval as a band; the values of the table as points. */
import type { PassAtK, ReportData } from '../../report-data.js';
import { percent } from '../format.js';
import { colour } from './palette.js';
import type { PlotSpec } from './render.js';

export function passAtKPlot({ passCurve, passAtK, intervals }: ReportData): PlotSpec {
  const row = ({ k, estimate }: PassAtK): Record<string, number | string | null> => ({
    k,
    value: estimate.value,
    low: estimate.low,
    high: estimate.high,
    text: percent(estimate.value),
  });
  const last = passCurve.at(-1)?.k ?? 1;
  const ticks = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].filter((k) => k <= last);
  const x = {
    field: 'k',
    type: 'quantitative' as const,
    title: 'samples drawn per problem, k (log scale)',
    // A little beyond the ends, so that the labels of the first and last point stay within the drawing.
    scale: { type: 'log' as const, domain: [1 / 1.08, Math.max(last, 2) * 1.08], nice: false },
    axis: { values: ticks, format: 'd', grid: false },
  };
  return {
    name: 'pass-at-k',
    description: `Line chart: pass@k for k from 1 to ${last}, with ${intervals.confidence * 100} % intervals over problems as a band.`,
    spec: {
      width: 880,
      height: 290,
      autosize: { type: 'fit', contains: 'padding' },
      encoding: { x },
      layer: [
        {
          data: { values: passCurve.map(row) },
          mark: { type: 'area', color: colour('outcome-pass'), opacity: 0.18 },
          encoding: {
            y: {
              field: 'low',
              type: 'quantitative',
              title: 'pass@k',
              scale: { zero: true, nice: true },
              axis: { format: '.0%', tickCount: 5 },
            },
            y2: { field: 'high' },
          },
        },
        {
          data: { values: passCurve.map(row) },
          mark: { type: 'line', color: colour('outcome-pass'), strokeWidth: 2 },
          encoding: { y: { field: 'value', type: 'quantitative' } },
        },
        {
          data: { values: passAtK.map(row) },
          mark: { type: 'point', filled: true, opacity: 1, size: 60, color: colour('outcome-pass') },
          encoding: { y: { field: 'value', type: 'quantitative' } },
        },
        {
          data: { values: passAtK.map(row) },
          mark: { type: 'text', dy: -13, fontSize: 12, color: colour('ink') },
          encoding: { y: { field: 'value', type: 'quantitative' }, text: { field: 'text' } },
        },
      ],
    },
  };
}
