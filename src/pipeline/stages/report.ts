/** The stage `report`: from the store alone to the files of `outputs/<experiment>/`. What they hold is `../report.ts`'s. */
import { plural } from '../../reports/render/format.js';
import { reportWithAnalyses } from '../analyze.js';
import { meanTokens, mostTokens } from '../calibration.js';
import { reportEstimate } from '../calibration-report.js';
import { databasePath } from '../inputs.js';
import { checkOutputs, outputFolder, prepareOutputs, writeOutputs } from '../report.js';
import type { Stage } from './stage.js';

export const stage: Stage = {
  there: () => null,

  async prepare(bench) {
    bench.directory = outputFolder(bench.store, bench.values, bench.identity());
    // Also for an estimate, as a study makes one of each strategy before the first begins.
    await checkOutputs(bench.directory, databasePath(bench.values), [bench.values['problems.path']]);
    if (!bench.isEstimate) await prepareOutputs(bench.directory);
  },

  async estimate(bench, asked) {
    // Where nothing is stored yet the model that draws is loaded; without one there is nothing to report on either.
    const tokens = meanTokens(bench) ?? (bench.model === null ? 0 : mostTokens(bench, bench.model));
    return reportEstimate(await bench.ahead(), { samples: bench.expected().verdicts, tokens }, asked);
  },

  async work(bench, signal) {
    const { store, directory } = bench;
    const experiment = bench.begun();
    bench.report = await reportWithAnalyses(store, experiment, signal, bench.progress);
    bench.files = await writeOutputs(store, experiment, { data: bench.report, directory: directory!, signal, progress: bench.progress });
    const done = bench.files.length;
    return { done, skipped: 0, text: `${plural(done, 'file')} in ${directory!}` };
  },
};
