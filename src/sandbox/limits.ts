/** The default limits of an execution and how they adapt to a machine. Enforces nothing. */
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
