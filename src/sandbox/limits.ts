/**
 * The limits of an execution: the default ones, which of a user's make sense, how they adapt to a machine, and when a worker must long have
 * met them all. Enforces nothing.
 */
import { LEAST_EXECUTION_BYTES } from '../config/schema.js';
import { FaultlineError } from '../errors.js';
import type { Limits } from './executor.js';

/**
 * One second of CPU time, as every sample that meets it gets three in a second run: that is the official checkers' limit,
 * with the machine's speed taken out. HumanEval's slowest canonical solution takes about a fifth of it.
 */
export const DEFAULT_LIMITS: Limits = {
  cpuSeconds: 1,
  wallSeconds: 3,
  memoryBytes: 1 << 30,
  outputBytes: 1 << 20,
  fileBytes: 16 << 20,
  processes: 16,
};

/** What a sample that met a time limit gets in its second run. */
export const RERUN_FACTOR = 3;

/** What a judge may take for one job, in limits: the test, its assertions one by one, without write-back, and the text; each of these three with more time, too. */
const PASSES_MOST = 4 + 3 * RERUN_FACTOR;
/** How long after everything inside must have ended a worker is taken for hung. */
const HUNG_MARGIN_SECONDS = 30;

/** CPU seconds of the judge's reference loop on the machine that the default limits were chosen on. */
export const REFERENCE_LOOP_SECONDS = 0.0095;

/** Time limits are stretched on machines slower than the reference, and never shortened: a fast machine's noise would decide. */
export function adaptedLimits(limits: Limits, calibration: number, factor = 1): Limits {
  const stretch = factor / Math.min(1, calibration);
  return { ...limits, cpuSeconds: limits.cpuSeconds * stretch, wallSeconds: limits.wallSeconds * stretch };
}

/** The speed relative to the reference, rounded so that a stored value reads well. */
export function calibrationOf(loopSeconds: number): number {
  return Math.max(0.01, Math.round((REFERENCE_LOOP_SECONDS / loopSeconds) * 100) / 100);
}

/**
 * When a worker is taken for hung: the judge has limits of its own, and a pass takes both limits of the candidate's and what the machine keeps
 * it waiting, for which there is room for ten times the limit on blocked time; where nobody says who waits, the zygote ends it there.
 */
export function hungMilliseconds({ wallSeconds }: Limits): number {
  return (10 * PASSES_MOST * wallSeconds + HUNG_MARGIN_SECONDS) * 1000;
}

/** The limits as they are. Throws a FaultlineError (`usage`) for those that make no sense. */
export function checkedLimits(limits: Limits): Limits {
  for (const [name, value] of Object.entries(limits) as [string, number][]) {
    const least = name === 'fileBytes' ? value >= 0 : value > 0;
    if (!Number.isFinite(value) || !least)
      throw new FaultlineError('usage', `limit ${name} must be a number above 0, not ${String(value)}`);
  }
  if (limits.memoryBytes < LEAST_EXECUTION_BYTES)
    throw new FaultlineError('usage', `limit memoryBytes must be at least ${LEAST_EXECUTION_BYTES}, not ${limits.memoryBytes}`);
  return limits;
}
