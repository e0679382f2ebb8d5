/**
 * The smallest set of most likely tokens whose mass reaches top-p, renormalised (Holtzman et al. 2020). After
 * temperature and, where it is on, top-k: the mass is then counted within what top-k kept, as in transformers.
 */
import type { Strategy } from './strategy.js';

export const nucleus: Strategy = {
  name: 'nucleus',
  summary: 'the smallest set of tokens whose mass reaches top-p',
  parameters: ['temperature', 'topK', 'topP'],
  on: ({ topP }) => topP < 1,
};
