/** 2.5, 3.10, 4.10: residual leaves, for exceptions that no rule before them knows. */
import type { Rule } from './rule.js';
import { describeException, exceptionOf } from './rule.js';

export const anyException: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  return exception === null ? null : describeException(exception);
};
