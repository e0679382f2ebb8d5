/**
 * 2.3: a character or literal that is no Python token. Mostly told by CPython's message (3.9 to 3.13); for characters
 * that its tokeniser passes on to the parser (`?`, `$`, a backtick, a lone `!`) the message is a plain "invalid syntax",
 * and the character under the error decides.
 */
import type { Rule } from './rule.js';
import { describeException, exceptionOf } from './rule.js';
import { isPlainInvalidSyntax, textAtError } from './syntax-position.js';

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

const NO_TOKEN = /^(?:[?$`]|!(?!=))/;

export const syntaxToken: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null) return null;
  const told = INVALID_TOKEN.some((message) => message.test(exception.message));
  const seen = isPlainInvalidSyntax(exception) && NO_TOKEN.test(textAtError(evidence, exception) ?? '');
  return told || seen ? describeException(exception) : null;
};
