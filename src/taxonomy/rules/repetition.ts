/**
 * 1.3: degenerate repetition. Three signs, any of which is enough: a line, or a block of lines, four times in a row up
 * to blanks; a piece of text of some length four times in a row; or text that zlib shrinks to under a fifth.
 */
import { deflateSync } from 'node:zlib';
import type { Rule } from './rule.js';

const TIMES = 4;
/** Shorter lines and pieces repeat in honest programs: closing brackets, `0, 0, 0, 0`. */
const SHORTEST_LINE = 4;
const SHORTEST_PIECE = 8;
/** Bounds on the work: what repeats in larger units is met by the zlib ratio. */
const LONGEST_BLOCK = 8;
const LONGEST_PIECE = 400;
const SMALLEST_RATIO = 0.2;

export const repetition: Rule = ({ completion }) => repeatedLines(completion) ?? repeatedPiece(completion) ?? compressible(completion);

function repeatedLines(text: string): string | null {
  const lines = text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '');
  for (let block = 1; block <= LONGEST_BLOCK; block++) {
    const found = hasRun(lines, block, (start) => lines.slice(start, start + block).join('').length >= SHORTEST_LINE);
    if (found) return block === 1 ? `the same line ${TIMES} times in a row` : `the same ${block} lines ${TIMES} times in a row`;
  }
  return null;
}

function repeatedPiece(text: string): string | null {
  // As numbers: a character of a string is a string, and millions are compared.
  const units = Uint16Array.from({ length: text.length }, (_, at) => text.charCodeAt(at));
  for (let period = SHORTEST_PIECE; period <= LONGEST_PIECE && period * TIMES <= text.length; period++) {
    const found = hasRun(units, period, (start) => isTelling(text.slice(start, start + period)));
    if (found) return `the same ${period} characters ${TIMES} times in a row`;
  }
  return null;
}

/** Not a shorter piece several times over (dashes, `0, 0, 0`), and more than blanks around a bracket. */
function isTelling(piece: string): boolean {
  for (let period = 1; period < SHORTEST_PIECE; period++) {
    if (piece.length % period === 0 && piece === piece.slice(0, period).repeat(piece.length / period)) return false;
  }
  return piece.replace(/\s+/g, '').length >= SHORTEST_LINE;
}

/**
 * Whether TIMES equal stretches of `period` items in a row occur, of which `counts` accepts the first. Stretches further along the same run are
 * rotations of the first one, so that asking once a run is enough.
 */
function hasRun(items: ArrayLike<string | number>, period: number, counts: (start: number) => boolean): boolean {
  const isEqual = (at: number): boolean => items[at] === items[at - period];
  // A run so long takes up one of any so many places in a row: where that one differs, those before it need no look.
  const least = period * (TIMES - 1);
  for (let at = period + least - 1; at < items.length;) {
    if (!isEqual(at)) {
      at += least;
      continue;
    }
    let [from, to] = [at, at + 1];
    while (from > period && isEqual(from - 1)) from--;
    while (to < items.length && isEqual(to)) to++;
    if (to - from >= least && counts(from - period)) return true;
    at = to + least;
  }
  return false;
}

function compressible(text: string): string | null {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length === 0) return null;
  const ratio = deflateSync(bytes).length / bytes.length;
  return ratio < SMALLEST_RATIO ? `zlib ratio ${ratio.toFixed(2)}` : null;
}
