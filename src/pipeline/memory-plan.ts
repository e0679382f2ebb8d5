/** `faultline doctor --plan`: what so many samples of one prompt take of memory, and how many fit. Loads no model. */
import type { Config } from '../config/load.js';
import { BATCH_MOST } from '../config/schema.js';
import { memoryPlan, type MemoryPlan, type PlanDemand } from '../engine/plan.js';
import { engineOptionsOf } from './device.js';
import { modelFolderOf } from './inputs.js';

export interface PlanReport extends Omit<MemoryPlan, 'newTokens'>, PlanDemand {
  /**
   * Whether all samples can be drawn at once, as `--batch` of their number asks for. Where not, that would be refused; a run without it draws as many
   * as fit, at most `defaultBatch`, and goes on as they end.
   */
  readonly fits: boolean;
  /** The largest `--batch` that would not be refused, `BATCH_MOST` where more fit. */
  readonly mostSlots: number;
  /** The model's folder. */
  readonly model: string;
  readonly dtype: string;
}

/** Throws what `memoryPlan` of the engine does, and `input` where the model is not found. */
export async function planMemory(config: Config, demand: PlanDemand): Promise<PlanReport> {
  const model = await modelFolderOf(config);
  const options = engineOptionsOf(config.values);
  const plan = memoryPlan(model, options, { ...demand, samples: Math.min(demand.samples, BATCH_MOST) });
  const mostSlots = Math.min(plan.mostSlots, BATCH_MOST);
  return { ...demand, ...plan, mostSlots, fits: plan.slots >= demand.samples, model, dtype: options.dtype };
}
