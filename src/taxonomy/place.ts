/**
 * Where a failure stands: from the line and column that the interpreter named to bytes of the completion. Pure; decides
 * no category. Bytes are what tokens are made of: `token-span.ts` goes on from here.
 */
import { linesOf, programOf, type Line } from './program-text.js';
import { exceptionOf } from './rules/rule.js';
import type { ByteRange, Evidence, Place } from './types.js';

/** The place of the exception that ended the execution; null where there was none, or it has no line in the program. */
export function placeOf(evidence: Evidence): Place | null {
  const exception = exceptionOf(evidence);
  if (exception === null || exception.line === null) return null;
  const program = programOf(evidence);
  const line = linesOf(program)[exception.line - 1];
  if (line === undefined) return null;
  // The interpreter gives 0 where it knows no column.
  const column = exception.column === 0 ? null : exception.column;
  const written = trimmed(program, line);
  const precise = evidence.verdict.outcome.status === 'syntax' && column !== null;
  const span = precise ? lexemeAt(program, line, written, column) : written;
  return { line: exception.line, column, range: rangeInCompletion(evidence, span) };
}

/** The line without the white space around its text; empty for a blank line. */
function trimmed(program: string, { start, end }: Line): Line {
  const text = program.slice(start, end);
  const from = start + text.length - text.trimStart().length;
  return { start: from, end: Math.max(from, start + text.trimEnd().length) };
}

const WORD = /[\p{L}\p{N}_]+/uy;

/** The rest of the word, or the character, at a column. Behind the line's text: the line break, or where there is none the text's last character. */
function lexemeAt(program: string, line: Line, written: Line, column: number): Line {
  // Columns count code points.
  let start = line.start;
  for (let passed = 1; passed < column && start < line.end; passed++) start += widthAt(program, start);
  if (start >= written.end) {
    const lineBreak = /\r\n|\r|\n/y;
    lineBreak.lastIndex = line.end;
    const found = lineBreak.exec(program);
    if (found !== null) return { start: line.end, end: line.end + found[0].length };
    start = written.end;
    if (start > written.start) start -= widthBefore(program, start);
  }
  WORD.lastIndex = start;
  const word = WORD.exec(program);
  return { start, end: start + (word === null ? widthAt(program, start) : word[0].length) };
}

/** UTF-16 units of the character at an index; 0 at the end. */
function widthAt(text: string, index: number): number {
  const point = text.codePointAt(index);
  return point === undefined ? 0 : point > 0xffff ? 2 : 1;
}

function widthBefore(text: string, index: number): number {
  return index >= 2 && widthAt(text, index - 2) === 2 ? 2 : 1;
}

/** The part of a span of the program that the completion holds, as UTF-8 bytes of it; null for none. */
function rangeInCompletion({ prompt, completion }: Evidence, { start, end }: Line): ByteRange | null {
  const from = Math.max(0, start - prompt.length);
  const to = end - prompt.length;
  if (to <= from) return null;
  const bytesBefore = Buffer.byteLength(completion.slice(0, from));
  return { start: bytesBefore, end: bytesBefore + Buffer.byteLength(completion.slice(from, to)) };
}
