/** Where a syntax error stands in the text of the program. Decides nothing. */
import type { ExceptionInfo } from '../../sandbox/verdict.js';
import { linesOf, programOf } from '../program-text.js';
import type { Evidence } from '../types.js';

/** CPython's message where it knows no more; everything else names something. */
export function isPlainInvalidSyntax(exception: ExceptionInfo): boolean {
  return exception.message === 'invalid syntax' || exception.message === 'f-string: invalid syntax';
}

/** The program's text from the error to the end of its line, empty where the error is that end; null where the position is not known. */
export function textAtError(evidence: Evidence, exception: ExceptionInfo): string | null {
  if (exception.line === null || exception.column === null) return null;
  const program = programOf(evidence);
  const line = linesOf(program)[exception.line - 1];
  if (line === undefined) return null;
  // Columns count code points, JavaScript's indices UTF-16 units.
  return Array.from(program.slice(line.start, line.end))
    .slice(Math.max(0, exception.column - 1))
    .join('')
    .trimEnd();
}

/** 1-based number of the last line that holds more than blanks; 0 for an empty program. */
export function lastWrittenLine(evidence: Evidence): number {
  const program = programOf(evidence);
  return linesOf(program).findLastIndex(({ start, end }) => program.slice(start, end).trim() !== '') + 1;
}
