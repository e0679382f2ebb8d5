/** Where along the program samples fail: the failing line in tenths of the completion's lines. */
import type { ReportData } from '../../report-data.js';
import { plural } from '../format.js';
import type { PlotSpec } from './render.js';
import { tenthsPlot } from './tenths.js';

/** Null where no failure has a line. */
export function failurePositionPlot(data: ReportData): PlotSpec | null {
  const found = data.analyses?.failurePosition;
  if (found === undefined || found.position.count === 0) return null;
  return tenthsPlot(data, {
    name: 'failure-position',
    description: `Histogram: the failing line of ${plural(found.position.count, 'failure')} along the completion, in tenths of its lines, stacked by outcome. The table below has the quartiles.`,
    title: 'failing line over the lines of the completion',
    categories: found.categories,
  });
}
