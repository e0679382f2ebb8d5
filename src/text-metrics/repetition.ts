/** How much a text repeats itself. Measures only: what counts as degenerate is for the taxonomy's rule to say (leaf 1.3). */
import { ngramCounts } from './ngrams.js';
import { pairOf } from './pair.js';

const NGRAM = 4;
const LONGEST_BLOCK = 8;

/**
 * Share of the 4-grams of tokens that repeat an earlier one: 1 - different ones / all. Null below four tokens.
 *
 * Source: seq-rep-4 of S. Welleck et al., "Neural text generation with unlikelihood training", ICLR 2020, section 6; over Python's tokens.
 */
export function repeatedNgrams(tokens: readonly string[]): number | null {
  if (tokens.length < NGRAM) return null;
  const { ofA, distinct } = ngramCounts(pairOf(tokens, []), NGRAM)[NGRAM - 1]!;
  return 1 - distinct / ofA;
}

/**
 * How often a block of one to eight lines stands back to back, at most: 1 where no block follows itself, 0 without lines. Blank lines
 * are left out, and lines are equal up to the white space around them. Our own definition, of the kind that the taxonomy's rule asks.
 */
export function longestLineRun(text: string): number {
  const written = text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const { a: lines } = pairOf(written, []);
  let most = Math.min(1, lines.length);
  for (let block = 1; block <= LONGEST_BLOCK && 2 * block <= lines.length; block++) {
    let equal = 0;
    for (let at = block; at < lines.length; at++) {
      equal = lines[at] === lines[at - block] ? equal + 1 : 0;
      most = Math.max(most, 1 + Math.floor(equal / block));
    }
  }
  return most;
}
