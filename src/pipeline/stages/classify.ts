/** The stage `classify`: stored verdicts are decided again. How is `../classify.ts`'s; executes nothing. */
import { plural, whole } from '../../reports/render/format.js';
import { classifyStored } from '../classify.js';
import { stage as execute } from './execute.js';
import type { Stage } from './stage.js';

export const stage: Stage = {
  // A verdict is stored with its decision.
  there: (bench) => execute.there(bench),

  async prepare(bench) {
    await bench.loadTokenizer();
  },

  work(bench) {
    const { id } = bench.begun();
    const done = classifyStored(bench.store, id, bench.view, bench.tokensOf());
    const skipped = (execute.there(bench) ?? 0) - done;
    return Promise.resolve({ done, skipped, text: `${plural(done, 'decision')} changed, ${whole(skipped)} stand` });
  },
};
