/** The plots of a report: one module each, one row here. Loads Vega on the first call. */
import type { ReportData } from '../../report-data.js';
import type { ReportPlots } from '../html.js';
import { passAtKPlot } from './pass-at-k.js';
import { problemsPlot } from './problems.js';
import { drawPlot } from './render.js';
import { taxonomyPlot } from './taxonomy.js';

/** Draws whatever there is data for. */
export async function drawPlots(data: ReportData): Promise<ReportPlots> {
  return {
    categories: data.categories.length === 0 ? null : await drawPlot(taxonomyPlot(data)),
    problems: data.counts.counted === 0 ? null : await drawPlot(problemsPlot(data)),
    passAtK: data.passCurve.length === 0 ? null : await drawPlot(passAtKPlot(data)),
  };
}
