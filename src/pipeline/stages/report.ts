/** The stage `report`: from the store alone to the files of `outputs/<experiment>/`. What they hold is `../report.ts`'s. */
import { plural } from '../../reports/render/format.js';
import { reportWithAnalyses } from '../analyze.js';
import { outputFolder, prepareOutputs, writeOutputs } from '../report.js';
import type { Stage } from './stage.js';

export const stage: Stage = {
  there: () => null,

  async prepare(bench) {
    bench.directory = outputFolder(bench.store, bench.values, bench.identity());
    await prepareOutputs(bench.directory);
  },

  async work(bench, signal) {
    const { store, directory } = bench;
    const experiment = bench.begun();
    bench.report = await reportWithAnalyses(store, experiment, signal, bench.progress);
    signal.throwIfAborted();
    bench.files = await writeOutputs(store, experiment, bench.report, directory!, bench.progress);
    const done = bench.files.length;
    return { done, skipped: 0, text: `${plural(done, 'file')} in ${directory!}` };
  },
};
