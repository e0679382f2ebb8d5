/**
 * The verdict of a sample that was never a program: generation itself failed, because the prompt left no room in the
 * context. Such a sample is not executed; it counts as a failure (1.1) like any other, so that no rate loses it.
 */
import type { Verdict } from '../sandbox/verdict.js';

/** `reason` is the sample's error, as the engine gave it. */
export function verdictOfFailedGeneration(reason: string): Verdict {
  return {
    passed: false,
    outcome: { status: 'not_run', reason },
    measurements: {
      phase: 'compile',
      calls: 0,
      allNone: false,
      stdout: '',
      cpuSeconds: 0,
      wallSeconds: 0,
      peakMemoryBytes: 0,
      nearLimit: false,
      assertions: null,
    },
  };
}
