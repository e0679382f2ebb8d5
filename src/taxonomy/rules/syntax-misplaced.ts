/**
 * 2.4: a statement or keyword where it may not stand, an impossible target, a malformed statement header or
 * parameter list, a statement that breaks off. Told by CPython's messages (3.9 to 3.13), or by what stands under a
 * plain "invalid syntax": a keyword, or the end of the line. Other plain errors, guesses of CPython such as "Perhaps
 * you forgot a comma?" included, are left to 2.5.
 */
import type { Rule } from './rule.js';
import { describeException, exceptionOf } from './rule.js';
import { isPlainInvalidSyntax, textAtError } from './syntax-position.js';

const MISPLACED = [
  // A statement or keyword in the wrong place.
  /^'.+' (?:outside|not properly in loop|inside)/,
  /^asynchronous comprehension outside/,
  /^default 'except:' must be last/,
  /^from __future__ imports must/,
  /^future feature .* is not defined/,
  /^import \* only allowed at module level/,
  /^unmatched /,
  /^(?:can't use|Invalid) star(?:red)? expression/,
  /^Missing parentheses in call to/,
  /^cannot have both/,
  // Names that are declared twice over.
  /^name '.+' is (?:parameter|assigned|used|nonlocal)/,
  /^annotated name /,
  /^no binding for nonlocal/,
  /^nonlocal declaration not allowed/,
  // Targets.
  /^cannot (?:assign|delete|use assignment expressions)/,
  /is an illegal expression for augmented assignment/,
  /^assignment to yield expression/,
  /^illegal target for annotation/,
  /^only single target/,
  /^(?:multiple )?starred (?:expressions in assignment|assignment target)/,
  /^multiple starred expressions/,
  /Maybe you meant '==' or ':=' instead of '='\?$/,
  /^expression cannot contain assignment/,
  // Headers, parameter and argument lists.
  /^expected /,
  /^Expected one or more names/,
  /^Did you mean .* instead of/,
  /^(?:multiple exception types|Generator expression) must be parenthesized/,
  /^trailing comma not allowed/,
  /^(?:Function|Lambda expression) parameters cannot be parenthesized/,
  /^duplicate (?:argument|parameter|type parameter)/,
  /^(?:non-default argument follows|parameter without a default follows)/,
  /^(?:arguments cannot follow|named arguments must follow|bare \* has|\* argument may appear|\/ must be|var-)/,
  /^(?:positional|iterable) argument (?:unpacking )?follows/,
  /^keyword argument repeated/,
  /^(?:iterable|dict) unpacking cannot be used/,
  /^cannot mix bytes and nonbytes/,
];

const KEYWORD =
  /^(?:False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)\b/;

export const syntaxMisplaced: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null) return null;
  if (MISPLACED.some((message) => message.test(exception.message))) return describeException(exception);
  if (!isPlainInvalidSyntax(exception)) return null;
  const rest = textAtError(evidence, exception);
  if (rest === '') return describeException(exception, 'at the end of the line');
  const keyword = KEYWORD.exec(rest ?? '');
  return keyword === null ? null : describeException(exception, `at ${keyword[0]}`);
};
