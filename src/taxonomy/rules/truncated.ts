/**
 * 1.1: generation met the token limit or the context inside a statement, or could not start because the prompt left no
 * room. "Inside a statement" means that the text does not parse for want of more text: the error stands at its end, or
 * something opened was never closed. An error further up is no truncation, however long the text went on after it.
 * Where the text parses, it may still end inside a line; that is noted beside the category.
 */
import type { Rule } from './rule.js';
import { exceptionOf, quote } from './rule.js';
import { lastWrittenLine } from './syntax-position.js';
import { syntaxUnclosed } from './syntax-unclosed.js';

const CUT_SHORT: ReadonlySet<string> = new Set(['length', 'context']);

/** Single-line strings end at their line, so that one further up is not open at the end of the text. */
const SINGLE_LINE_STRING = /^(?:EOL while scanning|unterminated (?:f-)?string literal)/;

export const truncated: Rule = (evidence) => {
  const { verdict, completion, finishReason } = evidence;
  if (verdict.outcome.status === 'not_run') return `nothing was generated: ${quote(verdict.outcome.reason)}`;
  if (!CUT_SHORT.has(finishReason)) return null;
  if (verdict.outcome.status !== 'syntax') {
    return completion === '' || completion.endsWith('\n') ? null : `finish reason ${finishReason}, and the last line may be incomplete`;
  }
  const exception = exceptionOf(evidence)!;
  const atEnd = exception.line === null || exception.line >= lastWrittenLine(evidence);
  const open = syntaxUnclosed(evidence) !== null && !SINGLE_LINE_STRING.test(exception.message);
  return atEnd || open ? `finish reason ${finishReason}, and the text ends inside a statement: ${quote(exception.message)}` : null;
};
