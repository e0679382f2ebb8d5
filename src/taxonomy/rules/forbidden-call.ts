/** 6.3: a call that the sandbox does not allow: answered with death by the system-call filter, or refused with an error number. */
import { isRefusal } from './os-error.js';
import type { Rule } from './rule.js';
import { describeException, exceptionOf } from './rule.js';

export const forbiddenCall: Rule = (evidence) => {
  const { outcome, measurements } = evidence.verdict;
  if (outcome.status === 'forbidden') return `${outcome.signal}, phase ${measurements.phase}`;
  const exception = exceptionOf(evidence);
  return exception !== null && isRefusal(exception) ? describeException(exception, 'refused') : null;
};
