/** The plots of a report: one module each, one row here. Loads Vega on the first call. */
import type { ReportData } from '../../report-data.js';
import type { ReportPlots } from '../html.js';
import { failurePositionPlot } from './failure-position.js';
import { firstDivergencePlot } from './first-divergence.js';
import { passAtKPlot } from './pass-at-k.js';
import { problemsPlot } from './problems.js';
import { drawPlot, type Plot, type PlotSpec } from './render.js';
import { taxonomyPlot } from './taxonomy.js';
import { textViewPlot } from './text-view.js';

/** Draws whatever there is data for, and awaits `pause` after each, whose error ends it. */
export async function drawPlots(data: ReportData, pause: () => Promise<void> = () => Promise.resolve()): Promise<ReportPlots> {
  const drawn = async (plot: PlotSpec | null): Promise<Plot | null> => {
    if (plot === null) return null;
    const finished = await drawPlot(plot);
    await pause();
    return finished;
  };
  return {
    categories: await drawn(data.categories.length === 0 ? null : taxonomyPlot(data)),
    problems: await drawn(data.counts.counted === 0 ? null : problemsPlot(data)),
    passAtK: await drawn(data.passCurve.length === 0 ? null : passAtKPlot(data)),
    failurePosition: await drawn(failurePositionPlot(data)),
    firstDivergence: await drawn(firstDivergencePlot(data)),
    textView: await drawn(textViewPlot(data)),
  };
}
