/** 5.2: the limit of memory, seen from outside, or from inside as MemoryError or as the system's word for it, in any phase. */
import type { ExceptionInfo } from '../../sandbox/verdict.js';
import { isOutOfMemory } from './os-error.js';
import type { Rule } from './rule.js';
import { describeException, exceptionOf, isA } from './rule.js';

export const memory: Rule = (evidence) => {
  const { outcome, measurements } = evidence.verdict;
  const exception = exceptionOf(evidence);
  if (exception !== null && isMemory(exception)) return describeException(exception);
  return outcome.status === 'limit' && outcome.resource === 'memory' ? `limit of memory met, phase ${measurements.phase}` : null;
};

/** Whether an exception says that there was no memory left. */
export function isMemory(exception: ExceptionInfo): boolean {
  return isA(exception, 'MemoryError') || isOutOfMemory(exception);
}
