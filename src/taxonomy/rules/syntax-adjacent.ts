/**
 * 2.6: two values side by side with nothing between them that could join them: a missing operator, comma or quote, a
 * word of prose, a name with a blank in it (`new_ space`). Told by what stands at a plain "invalid syntax", or by
 * CPython's guess that a comma was forgotten.
 */
import type { Rule } from './rule.js';
import { describeException, exceptionOf, quote } from './rule.js';
import { faultOf, isPlainInvalidSyntax, siteOf } from './syntax-position.js';

/** Said of `For num = 1` as well, from 3.10 on. */
const MEANT_EQUALS = /^invalid syntax\. Maybe you meant '==' or ':=' instead of '='\?$/;

export const syntaxAdjacent: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null || !(isPlainInvalidSyntax(exception) || MEANT_EQUALS.test(exception.message))) return null;
  if (faultOf(evidence, exception) !== null) return null;
  const adjacent = siteOf(evidence, exception)?.adjacent ?? null;
  if (adjacent === null) return null;
  const [left, right] = adjacent.map(({ text }) => quote(text)) as [string, string];
  return describeException(exception, `${left} and ${right} side by side`);
};
