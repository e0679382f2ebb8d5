/**
 * Tokens of probability min(eta, sqrt(eta) exp(-entropy)) or more, renormalised (Hewitt et al. 2022). On the CPU only.
 */
import type { Strategy } from './strategy.js';

export const eta: Strategy = {
  name: 'eta',
  summary: 'the tokens above a threshold that falls as the entropy grows',
  parameters: ['temperature', 'topK', 'topP', 'minP', 'typical', 'eta'],
  on: ({ eta }) => eta > 0,
};
