/** 2.1: a bracket or string that is not closed, or is closed by the wrong bracket. CPython's messages, 3.9 to 3.13. */
import type { Rule } from './rule.js';
import { describeException, exceptionOf } from './rule.js';

const UNCLOSED = [
  /was never closed$/,
  /^unterminated /,
  /^E(?:OF|OL) while scanning /,
  /^unexpected EOF /,
  // 3.9 to 3.11 parse f-strings apart: this is their end of text inside a replacement field.
  /^f-string: (?:unterminated |expecting '\}'$)/,
  /closing parenthesis '.' does not match opening parenthesis/,
];

export const syntaxUnclosed: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  return exception !== null && UNCLOSED.some((message) => message.test(exception.message)) ? describeException(exception) : null;
};
