/**
 * The verdict of a sample that was never a program: generation itself failed, because the prompt left no room in the
 * context. Such a sample is not executed; it counts as a failure (1.1) like any other, so that no rate loses it.
 */
import { unmeasuredVerdict, type Verdict } from '../sandbox/verdict.js';

/** `reason` is the sample's error, as the engine gave it. */
export function verdictOfFailedGeneration(reason: string): Verdict {
  return unmeasuredVerdict({ status: 'not_run', reason }, 'compile');
}
