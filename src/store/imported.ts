/** How the row of an experiment tells that its samples were made elsewhere. Holds no SQL. */
import type { Experiment } from './types.js';

/** What samples that nobody here drew have in place of a strategy, a device and the numbers it computes in. */
export const IMPORTED = 'imported';

/** Whether `faultline import` made it, so that it has neither a model nor tokens. */
export function isImported({ device }: Pick<Experiment, 'device'>): boolean {
  return device === IMPORTED;
}
