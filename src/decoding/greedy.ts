/** The most likely token at every step; equal ones are decided by the smaller token id, so that it is one sequence. */
import type { Strategy } from './strategy.js';

export const greedy: Strategy = {
  name: 'greedy',
  summary: 'the most likely token at every step',
  parameters: [],
  on: ({ temperature }) => temperature === 0,
};
