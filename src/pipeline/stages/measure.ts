/** The stage `measure`: from stored samples to what their texts are like. Measuring is `../measure.ts`'s; executes nothing. */
import { plural, whole } from '../../reports/render/format.js';
import { measureEstimate } from '../calibration-texts.js';
import { measureStored } from '../measure.js';
import type { Stage } from './stage.js';

export const stage: Stage = {
  there: ({ store, experiment }) => (experiment === null ? 0 : store.measuredCount(experiment.id)),

  async estimate(bench, asked) {
    return measureEstimate(await bench.ahead(), bench.toDraw(), asked);
  },

  async work(bench, signal) {
    const { store, progress } = bench;
    const { id } = bench.begun();
    const before = store.measuredCount(id);
    const task = progress.task('measure', store.counts(id).samples, before);
    await measureStored(store, id, signal, () => {
      task.advance();
    });
    const done = store.measuredCount(id) - before;
    return { done, skipped: before, text: `${plural(done, 'sample')} measured, ${whole(before)} were there` };
  },
};
