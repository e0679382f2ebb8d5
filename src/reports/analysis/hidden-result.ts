/**
 * How one sample does on the assertions that its prompt does not show, and on those that it shows, from what its verdict tells. Pure;
 * counts nothing over samples, and marks nothing: `src/pipeline/assertion-marks.ts` does.
 *
 * A test runs its assertions one after the other and ends at the first that fails, so that a verdict's outcome alone says nothing of those
 * behind. What says it is the second pass, which tries each one alone: it is there wherever a sample failed by a value or by an
 * exception in a call, unless a limit cut it short. Where it is not, a sample is
 *
 *   failed    where nothing could be called (it did not compile, load or define the entry point, or there was no program), and where the
 *             assertion at which the test ended is of the kind asked for
 *   unknown   otherwise: it ended by a limit, an exit or a signal, in an assertion that nobody can name
 *
 * A problem all of whose assertions are of one kind has nothing to tell apart: there the sample does on them as it does on the test.
 */
import type { Verdict } from '../../sandbox/verdict.js';
import type { AssertionMarks } from '../../store/types.js';

export type KindResult = 'passed' | 'failed' | 'unknown';

/** Of one sample; null where its problem has no assertion of the kind. */
export interface SplitResult {
  readonly visible: KindResult | null;
  readonly hidden: KindResult | null;
}

/** Null where the problem's assertions are not marked. */
export function splitResult(verdict: Verdict, marks: AssertionMarks | undefined): SplitResult | null {
  if (marks?.total == null) return null;
  const visible = new Set(marks.visible);
  const isVisible = (index: number): boolean => visible.has(index);
  const result = (isOfKind: (index: number) => boolean, ofKind: number): KindResult | null => {
    if (ofKind === 0) return null;
    if (verdict.passed) return 'passed';
    return ofKind === marks.total ? 'failed' : resultOfFailed(verdict, isOfKind);
  };
  return {
    visible: result(isVisible, visible.size),
    hidden: result((index) => !isVisible(index), marks.total - visible.size),
  };
}

/** Of a sample that fails the test, on a part of its assertions. */
function resultOfFailed({ outcome, measurements }: Verdict, isOfKind: (index: number) => boolean): KindResult {
  if (measurements.phase !== 'call' || outcome.status === 'missing_entry_point' || outcome.status === 'tamper') return 'failed';
  const { assertions } = measurements;
  if (assertions?.trials != null) {
    const failed = assertions.trials.filter(({ held }) => !held).map(({ index }) => index);
    // Those that are not listed stand behind the last one that is.
    const unlisted = assertions.total - assertions.passed - failed.length;
    if (unlisted > 0) failed.push(assertions.trials.length);
    // Where each held alone, what failed was no assertion: then nothing can be said for any of them.
    return failed.length === 0 || failed.some(isOfKind) ? 'failed' : 'passed';
  }
  const assertion = outcome.status === 'assertion' || outcome.status === 'test_error' ? outcome.assertion : null;
  return assertion !== null && isOfKind(assertion.index) ? 'failed' : 'unknown';
}
