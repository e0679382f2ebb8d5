/** A program as a listing: line numbers, the prompt dimmed, the failing line marked with what went wrong. All of its text is hostile. */
import type { FailureDescription } from '../../report-data.js';
import { programLines, type ProgramLine } from '../program-lines.js';
import { shorten } from '../visible.js';
import { markup, multiline, type Markup } from './markup.js';

/** Lines shown at most: a listing longer than this is cut to the surroundings of the failing line, or to its end. */
export const MOST_LINES = 60;
/** A line of a megabyte is a sample's idea of a joke. */
export const MOST_CHARACTERS = 500;

export function programListing(prompt: string, completion: string, failure: FailureDescription): Markup {
  const { lines, failing } = programLines(prompt, completion, failure.line);
  const [from, to] = windowOf(lines.length, failing);
  return markup`<pre class="program" tabindex="0"><code>${omitted(from, 'above')}${lines
    .slice(from, to)
    .map((line) => listingLine(line, line.number === failing ? failure : null))}${omitted(lines.length - to, 'below')}</code></pre>`;
}

function listingLine({ number, prompt, completion }: ProgramLine, failure: FailureDescription | null): Markup {
  const text = markup`${prompt !== '' && markup`<span class="prompt">${multiline(shorten(prompt, MOST_CHARACTERS))}</span>`}${multiline(
    shorten(completion, MOST_CHARACTERS),
  )}`;
  // The newlines are part of the text, so that copying gives the program back.
  if (failure === null) return markup`<span class="line" data-line="${number}">${text}${multiline('\n')}</span>`;
  return markup`<mark class="line failing" data-line="${number}">${text}${multiline('\n')}</mark><span class="note">${caret(prompt + completion, failure.column)}${failure.headline}</span>`;
}

/** Spaces up to the column of a syntax error and a caret, where the line is short enough to show it. */
function caret(line: string, column: number | null): Markup | null {
  if (column === null || column > line.length + 1 || column > MOST_CHARACTERS) return null;
  return markup`<span class="caret" aria-hidden="true">${multiline(`${line.slice(0, column - 1).replace(/[^\t]/g, ' ')}^\n`)}</span>`;
}

function omitted(count: number, where: string): Markup | null {
  return count === 0
    ? null
    : markup`<span class="omitted">… ${count} more ${count === 1 ? 'line' : 'lines'} ${where}${multiline('\n')}</span>`;
}

/** The lines that are shown of `count`: the first of them, from 0, and the one behind the last. */
export function windowOf(count: number, failing: number | null): [number, number] {
  if (count <= MOST_LINES) return [0, count];
  const middle = failing ?? count;
  const from = Math.min(Math.max(0, middle - 1 - MOST_LINES / 2), count - MOST_LINES);
  return [from, from + MOST_LINES];
}
