/**
 * 2.1: a bracket or string that is not closed, or is closed by the wrong bracket. Told by CPython's messages, 3.9 to
 * 3.13, or seen in the text: a string or bracket is left open, and the error stands on a later line than the bracket;
 * or, on the same line, at the colon that would end a header; or at the bracket itself.
 */
import type { ExceptionInfo } from '../../sandbox/verdict.js';
import type { Evidence } from '../types.js';
import type { Rule } from './rule.js';
import { describeException, exceptionOf } from './rule.js';
import { faultOf, hasOpenBracket, isPlainInvalidSyntax, siteOf } from './syntax-position.js';

const UNCLOSED = [
  /was never closed$/,
  /^unterminated /,
  /^E(?:OF|OL) while scanning /,
  // 3.9 to 3.11 parse f-strings apart: this is their end of text inside a replacement field.
  /^f-string: (?:unterminated |expecting '\}'$)/,
  /closing parenthesis '.' does not match opening parenthesis/,
];
/** 3.9's word for the end of the text, whatever was missing. */
const END_OF_TEXT = /^unexpected EOF /;

export const syntaxUnclosed: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null) return null;
  if (UNCLOSED.some((message) => message.test(exception.message))) return describeException(exception);
  if (END_OF_TEXT.test(exception.message) && hasOpenBracket(evidence)) return describeException(exception);
  const seen = seenInText(evidence, exception);
  return seen === null ? null : describeException(exception, seen);
};

function seenInText(evidence: Evidence, exception: ExceptionInfo): string | null {
  const fault = faultOf(evidence, exception);
  if (fault?.kind === 'unterminated') return 'a string is not closed';
  if (fault?.kind === 'mismatched') return 'a bracket is closed by another';
  if (fault !== null) return null;
  const site = siteOf(evidence, exception);
  if (site === null || site.unclosed === null) return null;
  const isTelling = isPlainInvalidSyntax(exception) && (site.token?.text === ':' || site.token?.start === site.unclosed);
  return site.unclosedEarlier || isTelling ? 'a bracket is not closed' : null;
}
