/** What a run would take of memory, before anything is loaded: for `faultline doctor --plan`. All arithmetic is the engine's own. */
import { ggufFileOf } from '../gguf.js';
import { addon } from './addon.js';
import type { NativePlan } from './addon-types.js';
import { fromThrown } from './native-error.js';
import type { EngineOptions } from './types.js';

export type MemoryPlan = NativePlan;

/** So many samples of one prompt; each at least 1. */
export interface PlanDemand {
  readonly samples: number;
  readonly promptTokens: number;
  readonly newTokens: number;
}

/**
 * Plans with the model's config alone, in a few milliseconds (on a GPU as long as opening it takes), on the calling thread.
 * Bytes that a prompt boundary has to heal are not in it: each is a mask over the vocabulary.
 *
 * Throws `input` for a bad config, `usage` for a prompt that leaves no room in the context, `environment` where weights or a
 * single sample do not fit, or the device asked for cannot be used.
 */
export function memoryPlan(
  model: string,
  options: Pick<EngineOptions, 'dtype' | 'device' | 'memoryBytes'>,
  demand: PlanDemand,
): MemoryPlan {
  const { dtype, device = 'auto', memoryBytes = 0 } = options;
  const native = addon();
  const folder = ggufFileOf(model) ?? model;
  try {
    return native.memoryPlan({ folder, dtype, device, memoryBytes, ...demand });
  } catch (error) {
    throw fromThrown(error);
  }
}
