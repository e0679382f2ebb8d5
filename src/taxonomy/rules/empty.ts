/**
 * 1.2: a body that does nothing: blank, comments, a docstring, `pass`, `...`, a bare `return`, or a raise of
 * NotImplementedError. Read line by line from the completion, so that it needs no parser; a line that is anything
 * else means that the body is not empty.
 */
import type { Rule } from './rule.js';

const DOCSTRING = /^\s*[rRuU]{0,2}("""|''')[\s\S]*?\1[ \t]*(?:#.*)?$/m;
const NOTHING = /^(?:pass|\.\.\.|return|raise NotImplementedError(?:\(.*\))?)?;?\s*(?:#.*)?$/;

export const empty: Rule = ({ completion, verdict }) => {
  // Where nothing was generated at all, there is no body to judge.
  if (verdict.outcome.status === 'not_run') return null;
  const body = withoutDocstring(completion);
  return body.split(/\r\n|\r|\n/).every((line) => NOTHING.test(line.trim())) ? 'the body does nothing' : null;
};

/** Only a docstring that starts the body: one further down is a statement of the sample. */
function withoutDocstring(completion: string): string {
  const match = DOCSTRING.exec(completion);
  if (match === null || completion.slice(0, match.index).trim() !== '') return completion;
  return completion.slice(match.index + match[0].length);
}
