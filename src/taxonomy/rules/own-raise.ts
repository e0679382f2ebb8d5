/**
 * 3.9, 4.9: the sample's own `raise` or `assert`, whatever the type, KeyboardInterrupt included. Asked first within its
 * family: a deliberate ValueError says nothing about how the sample handles values. Not where the interpreter refuses to raise
 * what it was given, such as a text: that TypeError is nobody's choice.
 */
import type { Rule } from './rule.js';
import { describeException, exceptionOf, innermostGenerated, isA } from './rule.js';
import { NO_EXCEPTION } from './type-error.js';

export const ownRaise: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null) return null;
  // A raise in the prompt's own helpers is not the sample's.
  if (innermostGenerated(exception)?.where === 'prompt') return null;
  if (isA(exception, 'TypeError') && NO_EXCEPTION.test(exception.message)) return null;
  if (exception.node === 'raise') return describeException(exception, 'raise');
  // On the line of an assert, only AssertionError is the statement's own; anything else came out of its expression.
  return exception.node === 'assert' && isA(exception, 'AssertionError') ? describeException(exception, 'assert') : null;
};
