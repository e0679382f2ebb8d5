/**
 * 2.3: a character or literal that is no Python token, told by CPython's message (3.9 to 3.13) or seen in the text: a
 * character that its tokeniser passes on to the parser (`?`, `$`, a backtick, a lone `!`) has a plain "invalid syntax".
 */
import { PASSED_ON } from '../../python-scan.js';
import type { Rule } from './rule.js';
import { describeException, exceptionOf } from './rule.js';
import { faultOf, isPlainInvalidSyntax, siteOf } from './syntax-position.js';

const INVALID_TOKEN = [
  /^invalid (?:non-printable )?character/,
  /^invalid (?:decimal|hexadecimal|octal|binary|imaginary) literal/,
  /^invalid digit/,
  /^leading zeros in decimal/,
  /^unexpected character after line continuation/,
  /^\((?:unicode|value) error\)/,
  /^bytes can only contain ASCII/,
  /cannot contain null bytes/,
  /surrogates not allowed/,
  /^Exceeds the limit/,
  /^f-string: (?:single '.' is not allowed|empty expression|valid expression required|invalid conversion|unexpected character)/,
  /^f-string expression part cannot include/,
];

/** What the text shows, whichever fault the interpreter chose to report. */
const FAULTS: ReadonlySet<string> = new Set(['character', 'number', 'continuation']);

export const syntaxToken: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null) return null;
  if (INVALID_TOKEN.some((message) => message.test(exception.message))) return describeException(exception);
  const fault = faultOf(evidence, exception);
  if (fault !== null) return FAULTS.has(fault.kind) ? describeException(exception, `an invalid ${fault.kind} in the text`) : null;
  const at = isPlainInvalidSyntax(exception) ? siteOf(evidence, exception)?.token?.text : undefined;
  return at !== undefined && PASSED_ON.has(at) ? describeException(exception, `at ${at}`) : null;
};
