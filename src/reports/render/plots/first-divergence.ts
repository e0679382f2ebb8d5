/** Where failing samples leave every sample of the problem that passes: the token in tenths of the sample's tokens. */
import type { ReportData } from '../../report-data.js';
import { plural } from '../format.js';
import type { PlotSpec } from './render.js';
import { tenthsPlot } from './tenths.js';

/** Null where no failing sample leaves a passing one. */
export function firstDivergencePlot(data: ReportData): PlotSpec | null {
  const found = data.analyses?.firstDivergence;
  if (found === undefined || found.position.count === 0) return null;
  return tenthsPlot(data, {
    name: 'first-divergence',
    description: `Histogram: the first token of ${plural(found.position.count, 'failure')} that no passing sample of the problem shares, in tenths of the sample’s tokens, stacked by outcome. The table below has the quartiles.`,
    title: 'first token that leaves every passing sample, over the tokens of the sample',
    categories: found.categories,
  });
}
