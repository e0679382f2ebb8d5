/**
 * 2.4: a statement, keyword or mark where it may not stand, an impossible target, a malformed statement header or
 * parameter list, a statement that breaks off. Told by CPython's messages (3.9 to 3.13), or by what stands under a
 * plain "invalid syntax": a keyword, an operator, bracket or other mark, or the end of the line.
 */
import { isKeyword } from '../../python-scan.js';
import type { Rule } from './rule.js';
import { describeException, exceptionOf } from './rule.js';
import { faultOf, isPlainInvalidSyntax, siteOf } from './syntax-position.js';

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
  /^expected (?!':'$)/,
  // 3.9's word for the end of the text; a bracket that is open there is 2.1.
  /^unexpected EOF /,
  // ... and for a try without except or finally.
  /^unexpected unindent/,
  /expected after dictionary key/,
  /^did you forget parentheses around/,
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

export const syntaxMisplaced: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null) return null;
  if (MISPLACED.some((message) => message.test(exception.message))) return describeException(exception);
  if (faultOf(evidence, exception)?.kind === 'unmatched') return describeException(exception, 'a closing bracket without an opening one');
  if (!isPlainInvalidSyntax(exception)) return null;
  const site = siteOf(evidence, exception);
  if (site === null) return null;
  const { token } = site;
  if (token === null || token.kind === 'line_end') return describeException(exception, 'at the end of the line');
  if (isKeyword(token)) return describeException(exception, `at ${token.text}`);
  if (token.kind !== 'mark') return null;
  return describeException(exception, `at ${token.text}`);
};
