/**
 * The tokens whose surprise is nearest the entropy, as many as hold the share that `typical` says, renormalised (Meister et
 * al. 2022, locally typical sampling). It may leave out the likeliest token. On the CPU only.
 */
import type { Strategy } from './strategy.js';

export const typical: Strategy = {
  name: 'typical',
  summary: 'the tokens whose surprise is nearest the entropy',
  parameters: ['temperature', 'topK', 'topP', 'minP', 'typical'],
  on: ({ typical }) => typical < 1,
};
