/** Tokens at least min-p times as likely as the likeliest, renormalised (Nguyen et al. 2024). On the CPU only. */
import type { Strategy } from './strategy.js';

export const minP: Strategy = {
  name: 'min-p',
  summary: 'the tokens at least min-p times as likely as the likeliest',
  parameters: ['temperature', 'topK', 'topP', 'minP'],
  on: ({ minP }) => minP > 0,
};
