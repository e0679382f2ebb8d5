/** Which isolation this machine offers: found by building it, best first. Knows nothing of jobs. */
import { FaultlineError } from '../errors.js';
import { isolationHint, type LaunchOptions } from './launcher.js';
import type { Python } from './python.js';
import type { IsolationTier } from './verdict.js';
import { IsolationRefused, Worker } from './worker.js';

/** The tiers that isolate, best first. */
export const ISOLATING_TIERS = ['namespaces', 'landlock'] as const satisfies readonly IsolationTier[];
export type IsolatingTier = (typeof ISOLATING_TIERS)[number];

export interface Isolated {
  /** Ready for its first job. The caller kills it. */
  readonly worker: Worker;
  readonly tier: IsolatingTier;
  /** Why not a better tier, and what this one lacks; null when it is the best and whole. */
  readonly reason: string | null;
}

/**
 * Starts a worker in the best tier that this machine allows, or in `wanted` alone.
 * Throws a FaultlineError (`environment`) that names every tier's reason and the next step. Only a refused isolation leads to the
 * next tier: an interpreter that does not start, or a machine out of memory, shall not cost the better one.
 */
export async function startIsolated(
  python: Python,
  scratchBytes: number,
  wanted?: IsolatingTier,
  options: LaunchOptions = {},
): Promise<Isolated> {
  const refusals: { tier: IsolatingTier; reason: string; cause: unknown }[] = [];
  for (const tier of ISOLATING_TIERS) {
    if (wanted !== undefined && tier !== wanted) continue;
    try {
      const worker = await Worker.start(python, tier, scratchBytes, options);
      const reasons = refusals.map((refusal) => `${refusal.tier}: ${refusal.reason}`);
      if (wanted !== undefined && tier !== ISOLATING_TIERS[0]) reasons.push(`sandbox.tier is ${tier}`);
      reasons.push(...worker.notes);
      return { worker, tier, reason: reasons.length === 0 ? null : reasons.join('; ') };
    } catch (error) {
      if (!(error instanceof IsolationRefused)) throw error;
      refusals.push({ tier, reason: error.reason, cause: error });
    }
  }
  const reasons = refusals.map(({ tier, reason }) => `${tier}: ${reason}`).join('; ');
  throw new FaultlineError('environment', `programs cannot be isolated: ${reasons}`, {
    hint: isolationHint(refusals.map(({ reason }) => reason)),
    cause: refusals.at(-1)?.cause,
  });
}
