/** 8.1: every answered call returned None, and that failed an assertion or the test's own code. */
import type { Evidence } from '../types.js';
import type { Rule } from './rule.js';
import { failuresShowing, trialsOf } from './trials.js';

export const alwaysNone: Rule = (evidence) => {
  const { outcome, measurements } = evidence.verdict;
  if ((outcome.status !== 'assertion' && outcome.status !== 'test_error') || !measurements.allNone) return null;
  if (!staysNone(evidence)) return null;
  return `returned None in ${measurements.calls === 1 ? 'its only call' : `all ${measurements.calls} calls`}`;
};

/**
 * The first pass ends at the first failure, often after one call; the second one makes the others. What passes or fails
 * there with another type than the expected one's was no None.
 */
function staysNone(evidence: Evidence): boolean {
  const trials = trialsOf(evidence);
  const { returns } = evidence.verdict.measurements;
  if (trials.length === 0 || returns === 'constant') return true;
  const compared = trials.some(({ relations }) => relations !== null);
  return !trials.some(({ held }) => held) && (!compared || failuresShowing(trials, 'type') > 0);
}
