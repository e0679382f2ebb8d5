/** What a rule is, and the few words that rules share. Decides nothing. */
import type { ExceptionInfo, Frame } from '../../sandbox/verdict.js';
import type { Evidence } from '../types.js';

/** Pure. Returns what it saw, in one line, where it applies; else null. */
export type Rule = (evidence: Evidence) => string | null;

/** Messages come from hostile programs and go into tables: one line, not long. */
const LONGEST_QUOTE = 160;

/** Whether the exception is an instance of the named builtin class. */
export function isA(exception: ExceptionInfo, name: string): boolean {
  return exception.type === name || exception.bases.includes(name);
}

/** The exception that ended the execution, in whatever phase; null where none did. */
export function exceptionOf({ verdict }: Evidence): ExceptionInfo | null {
  const { outcome } = verdict;
  return outcome.status === 'exception' || outcome.status === 'syntax' || outcome.status === 'limit' ? outcome.exception : null;
}

/** Innermost frame in the program itself, library code left out; null where there is none. */
export function innermostGenerated(exception: ExceptionInfo): Frame | null {
  return exception.frames.findLast((frame) => frame.where !== 'library') ?? null;
}

/** `text` on one line, shortened: fit for evidence. */
export function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= LONGEST_QUOTE ? line : `${line.slice(0, LONGEST_QUOTE - 3)}...`;
}

/** `NameError: name 'c' is not defined, line 4`, with a kind in brackets where one is given. */
export function describeException(exception: ExceptionInfo, kind: string | null = null): string {
  const type = kind === null ? exception.type : `${exception.type} (${kind})`;
  const message = exception.message === '' ? '' : `: ${quote(exception.message)}`;
  return `${quote(type)}${message}${exception.line === null ? '' : `, line ${exception.line}`}`;
}

/** A rule that holds for instances of any of the named classes. */
export function exceptionRule(...names: readonly string[]): Rule {
  return (evidence) => {
    const exception = exceptionOf(evidence);
    return exception !== null && names.some((name) => isA(exception, name)) ? describeException(exception) : null;
  };
}
