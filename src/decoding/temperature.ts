/** The whole distribution, its logits divided by the temperature; 1 is the model's own. */
import type { Strategy } from './strategy.js';

export const temperature: Strategy = {
  name: 'temperature',
  summary: 'the whole distribution, flattened or sharpened by the temperature',
  parameters: ['temperature'],
  describes: ({ temperature, topK, topP }) => temperature > 0 && topK === 0 && topP === 1,
};
