/** The whole distribution, its logits divided by the temperature; 1 is the model's own. */
import type { Strategy } from './strategy.js';

export const temperature: Strategy = {
  name: 'temperature',
  summary: 'the whole distribution, flattened or sharpened by the temperature',
  parameters: ['temperature'],
  on: ({ temperature }) => temperature > 0,
};
