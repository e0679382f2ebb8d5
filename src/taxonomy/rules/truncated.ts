/**
 * 1.1: generation met the token limit or the context inside a statement, or could not start because the prompt left no
 * room. "Inside a statement" means that the text does not parse for want of more text: something that may go on over
 * lines was never closed, or the error stands at the last word of the text. An error further up is no truncation,
 * however long the text went on after it. Where the text parses, it may still end inside a line; that is noted beside
 * the category.
 */
import type { ExceptionInfo } from '../../sandbox/verdict.js';
import type { Evidence } from '../types.js';
import type { Rule } from './rule.js';
import { exceptionOf, quote } from './rule.js';
import { lastWrittenLine, textAtError } from './syntax-position.js';

const CUT_SHORT: ReadonlySet<string> = new Set(['length', 'context']);

/** CPython's words for what was open when the text ended, 3.9 to 3.13; the line they give is where it was opened. */
const OPEN_AT_END = /^'.' was never closed$|^unterminated triple-quoted |^EOF while scanning|^unexpected EOF /;
/** A string that must end on its line: open at the end only if that line is the last one. */
const OPEN_ON_LINE = /^EOL while scanning|^unterminated (?:f-)?string literal|^f-string: expecting '\}'$/;
/** A character for which the compiler takes no text at all, wherever it stands: more text would not have helped. */
const NO_TEXT = /null bytes|surrogates not allowed/;

export const truncated: Rule = (evidence) => {
  const { verdict, completion, finishReason } = evidence;
  if (verdict.outcome.status === 'not_run') return `nothing was generated: ${quote(verdict.outcome.reason)}`;
  if (!CUT_SHORT.has(finishReason)) return null;
  if (verdict.outcome.status !== 'syntax') {
    return completion === '' || completion.endsWith('\n') ? null : `finish reason ${finishReason}, and the last line may be incomplete`;
  }
  const exception = exceptionOf(evidence)!;
  return endsOpen(evidence, exception)
    ? `finish reason ${finishReason}, and the text ends inside a statement: ${quote(exception.message)}`
    : null;
};

function endsOpen(evidence: Evidence, exception: ExceptionInfo): boolean {
  if (OPEN_AT_END.test(exception.message)) return true;
  if (exception.line === null || NO_TEXT.test(exception.message)) return false;
  const last = lastWrittenLine(evidence);
  if (exception.line !== last) return exception.line > last;
  // A last word may be half a keyword or name, and after it anything may be missing.
  return OPEN_ON_LINE.test(exception.message) || /^\S*$/.test(textAtError(evidence, exception) ?? ' ');
}
