/** The stage `classify`: stored verdicts are decided again. How is `../classify.ts`'s; executes nothing. */
import { plural, whole } from '../../reports/render/format.js';
import { classifyEstimate } from '../calibration-texts.js';
import { classifyStored } from '../classify.js';
import { stage as execute } from './execute.js';
import type { Stage } from './stage.js';

export const stage: Stage = {
  // A verdict is stored with its decision.
  there: (bench) => execute.there(bench),

  async prepare(bench) {
    await bench.loadTokenizer();
  },

  async estimate(bench, asked) {
    const { view, experiment } = bench;
    const tokensOf = experiment === null ? undefined : bench.tokensOf();
    return classifyEstimate(await bench.ahead(), bench.expected().verdicts, asked, { view, tokensOf });
  },

  async work(bench, signal) {
    const { store, view, progress } = bench;
    const { id } = bench.begun();
    const there = execute.there(bench) ?? 0;
    const task = progress.task('classify', there);
    const done = await classifyStored(store, id, {
      view,
      tokensOf: bench.tokensOf(),
      signal,
      onDecided: () => {
        task.advance();
      },
    });
    return { done, skipped: there - done, text: `${plural(done, 'decision')} changed, ${whole(there - done)} stand` };
  },
};
