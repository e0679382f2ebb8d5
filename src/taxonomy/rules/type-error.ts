/** 3.4, 4.4: TypeError, with its kind in the evidence. The kinds follow CPython's messages, 3.9 to 3.13; the first match names it. */
import type { Rule } from './rule.js';
import { describeException, exceptionOf, isA } from './rule.js';

/** CPython's words for a call with the wrong arguments, of functions and of builtins. */
export const ARITY = /\b(?:takes|missing|expected|got|accepts)\b.*\barguments?\b|\bargument .* (?:given|passed) /;

/** CPython's words for a raise of what is no exception, for its cause, and for a class that makes something else. */
export const NO_EXCEPTION =
  /^exception(?:s| causes) must derive from BaseException$|^calling .* should have returned an instance of BaseException/;

const KINDS: readonly (readonly [kind: string, message: RegExp])[] = [
  ['no exception', NO_EXCEPTION],
  ['None', /\bNoneType\b/],
  ['arity', ARITY],
  ['not callable', /is not callable/],
  ['not iterable', /not (?:an )?itera(?:ble|tor)|cannot unpack non-iterable/],
  ['not subscriptable', /not subscriptable|does not support item|doesn't support item|indices must be|index .* must be/],
  ['unhashable', /unhashable type/],
  [
    'operand',
    /unsupported operand|not supported between|bad operand|can only concatenate|can't multiply sequence|must be str, not|no len\(\)/,
  ],
];

export const typeError: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null || !isA(exception, 'TypeError')) return null;
  const kind = KINDS.find(([, message]) => message.test(exception.message))?.[0] ?? 'other';
  return describeException(exception, kind);
};
