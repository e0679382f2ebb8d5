/** 8.1: every answered call returned None, and that failed an assertion or the test's own code. */
import type { Evidence } from '../types.js';
import type { Rule } from './rule.js';

export const alwaysNone: Rule = (evidence) => {
  const { outcome, measurements } = evidence.verdict;
  if ((outcome.status !== 'assertion' && outcome.status !== 'test_error') || !measurements.allNone) return null;
  if (!staysNone(evidence)) return null;
  return `returned None in ${measurements.calls === 1 ? 'its only call' : `all ${measurements.calls} calls`}`;
};

/**
 * The first pass ends at the first failure, often after one call; the second one makes the others, and says whether None is all that came.
 * Where it did not run, or had nothing to try, the first pass is all there is.
 */
function staysNone({ verdict: { measurements } }: Evidence): boolean {
  const { assertions, examples, returns } = measurements;
  if ((assertions?.total ?? 0) === 0 && (examples?.total ?? 0) === 0) return true;
  // `constant`: verdicts of before `none` was told apart.
  return returns === 'none' || returns === 'constant';
}
