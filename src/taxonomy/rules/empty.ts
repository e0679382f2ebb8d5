/**
 * 1.2: a body that does nothing: blank, comments, a docstring, `pass`, `...`, a bare `return`, or a raise of
 * NotImplementedError, which where it leaves a call is 4.9, with this beside it. Read line by line from the completion, so
 * that it needs no parser; a line that is anything else means that the body is not empty.
 */
import type { Rule } from './rule.js';

/** Only a docstring that starts the body: one further down is a statement of the sample. */
const OPENING = /^\s*[rRuU]{0,2}("""|''')/;
const NOTHING = /^(?:pass|\.\.\.|return|raise NotImplementedError(?:\(.*\))?)?;?\s*(?:#.*)?$/;

export const empty: Rule = ({ completion, verdict }) => {
  // Where nothing was generated at all, there is no body to judge.
  if (verdict.outcome.status === 'not_run') return null;
  const body = withoutDocstring(completion);
  return body.split(/\r\n|\r|\n/).every((line) => NOTHING.test(line.trim())) ? 'the body does nothing' : null;
};

function withoutDocstring(completion: string): string {
  const opening = OPENING.exec(completion);
  if (opening === null) return completion;
  const end = endOfString(completion, opening[1]!, opening[0].length);
  return end === null ? completion : completion.slice(end);
}

/**
 * The index behind the closing quotes of the string whose text begins at `start`; null where it is not closed. A scan,
 * as a regular expression takes quadratic time on a long text of blank lines or quotes.
 */
function endOfString(text: string, quotes: string, start: number): number | null {
  for (let at = start; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text.startsWith(quotes, at)) return at + quotes.length;
  }
  return null;
}
