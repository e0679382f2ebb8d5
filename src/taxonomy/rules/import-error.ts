/** 3.3, 4.3: an import statement failed, with whatever exception; or ImportError came from elsewhere (importlib). */
import type { Rule } from './rule.js';
import { describeException, exceptionOf, isA } from './rule.js';

export const importError: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  if (exception === null) return null;
  return exception.node === 'import' || isA(exception, 'ImportError') ? describeException(exception) : null;
};
