/**
 * 3.5, 4.5: IndexError, KeyError, StopIteration. Not every LookupError: an unknown codec is no bound. A StopIteration that leaves a generator, as of a bare
 * `next()` there, comes as a RuntimeError (PEP 479); so does one that is raised there to end it, as Python 2 had it, which cannot be told apart.
 */
import { describeException, exceptionOf, exceptionRule } from './rule.js';
import type { Rule } from './rule.js';

const byClass = exceptionRule('IndexError', 'KeyError', 'StopIteration');
const LEFT_A_GENERATOR = /^(async )?(generator|coroutine) raised StopIteration$/;

export const lookupError: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  const left = exception?.type === 'RuntimeError' && LEFT_A_GENERATOR.test(exception.message);
  return left ? describeException(exception) : byClass(evidence);
};
