/** 2.2: IndentationError, and TabError that derives from it; but for texts that the tokeniser could not cut (2.1, 2.3, 2.4). */
import type { Rule } from './rule.js';
import { describeException, exceptionOf, isA } from './rule.js';
import { faultOf } from './syntax-position.js';

/** 3.9's word for a try without except or finally. */
const TRY_ALONE = /^unexpected unindent/;

export const syntaxIndentation: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null || !isA(exception, 'IndentationError') || TRY_ALONE.test(exception.message)) return null;
  return faultOf(evidence, exception) === null ? describeException(exception) : null;
};
