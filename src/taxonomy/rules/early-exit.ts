/** 6.1: the program ended before the test was over, by SystemExit or otherwise. */
import type { Rule } from './rule.js';
import { describeException, exceptionOf, isA } from './rule.js';

export const earlyExit: Rule = (evidence) => {
  const { outcome, measurements } = evidence.verdict;
  if (outcome.status === 'exit') return `exit code ${outcome.code} by ${outcome.via}, phase ${measurements.phase}`;
  const exception = exceptionOf(evidence);
  return exception !== null && isA(exception, 'SystemExit') ? describeException(exception) : null;
};
