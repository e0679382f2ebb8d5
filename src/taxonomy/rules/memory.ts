/** 5.2: the limit of memory, seen from outside or as MemoryError from inside, in any phase. */
import type { Rule } from './rule.js';
import { describeException, exceptionOf, isA } from './rule.js';

export const memory: Rule = (evidence) => {
  const { outcome, measurements } = evidence.verdict;
  const exception = exceptionOf(evidence);
  if (exception !== null && isA(exception, 'MemoryError')) return describeException(exception);
  return outcome.status === 'limit' && outcome.resource === 'memory' ? `limit of memory met, phase ${measurements.phase}` : null;
};
