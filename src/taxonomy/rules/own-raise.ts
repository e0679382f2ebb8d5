/**
 * 3.9, 4.9: the sample's own `raise` or `assert`, whatever the type, KeyboardInterrupt included. Asked first within its
 * family: a deliberate ValueError says nothing about how the sample handles values.
 */
import type { Rule } from './rule.js';
import { describeException, exceptionOf, innermostGenerated, isA } from './rule.js';

export const ownRaise: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null) return null;
  // A raise in the prompt's own helpers is not the sample's.
  if (innermostGenerated(exception)?.where === 'prompt') return null;
  if (exception.node === 'raise') return describeException(exception, 'raise');
  // On the line of an assert, only AssertionError is the statement's own; anything else came out of its expression.
  return exception.node === 'assert' && isA(exception, 'AssertionError') ? describeException(exception, 'assert') : null;
};
