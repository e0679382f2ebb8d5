/** 8.1: every answered call returned None, and that failed an assertion or the test's own code. */
import type { Rule } from './rule.js';

export const alwaysNone: Rule = ({ verdict: { outcome, measurements } }) =>
  (outcome.status === 'assertion' || outcome.status === 'test_error') && measurements.allNone
    ? `returned None in ${measurements.calls === 1 ? 'its only call' : `all ${measurements.calls} calls`}`
    : null;
