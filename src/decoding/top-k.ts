/** The k most likely tokens, renormalised (Fan et al. 2018). Temperature comes first, as in transformers. */
import type { Strategy } from './strategy.js';

export const topK: Strategy = {
  name: 'top-k',
  summary: 'the k most likely tokens',
  parameters: ['temperature', 'topK'],
  on: ({ topK }) => topK > 0,
};
