/**
 * Levenshtein's distance between two sequences, 32 rows of the table at a time, and the similarity that is made of it.
 *
 * Source: G. Myers, "A fast bit-vector algorithm for approximate string matching based on dynamic programming", JACM 46 (1999), in
 * the form for the distance of whole strings of H. Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau edit
 * distances", Nordic Journal of Computing 10 (2003).
 */
import type { Pair } from './pair.js';

/**
 * How many insertions, deletions and replacements of one symbol turn `a` into `b`.
 * Time: length of the one times length of the other / 32. Memory: alphabet x length of `a` / 8 bytes.
 */
export function levenshtein({ a, b, alphabet }: Pair): number {
  let start = 0;
  let aEnd = a.length;
  let bEnd = b.length;
  while (start < aEnd && start < bEnd && a[start] === b[start]) start++;
  while (aEnd > start && bEnd > start && a[aEnd - 1] === b[bEnd - 1]) {
    aEnd--;
    bEnd--;
  }
  const rows = aEnd - start;
  const columns = bEnd - start;
  if (rows === 0 || columns === 0) return rows + columns;

  const words = Math.ceil(rows / 32);
  /** [symbol, word]: in which rows the symbol stands. */
  const places = new Int32Array(alphabet * words);
  for (let row = 0; row < rows; row++) places[a[start + row]! * words + (row >> 5)]! |= 1 << (row & 31);
  // Where the difference of neighbouring cells of a column is +1 and where it is -1.
  const plus = new Int32Array(words).fill(-1);
  const minus = new Int32Array(words);
  const lastRow = (rows - 1) & 31;

  let distance = rows;
  for (let column = 0; column < columns; column++) {
    const symbol = b[start + column]! * words;
    // What goes into the next word: the row above the table grows by one with every column.
    let plusIn = 1;
    let minusIn = 0;
    for (let word = 0; word < words; word++) {
      const up = plus[word]!;
      const down = minus[word]!;
      const equal = places[symbol + word]!;
      const vertical = equal | down;
      const met = equal | minusIn;
      // The sum may have 33 bits; `|` keeps the lower 32, and what they carry is in `minusIn` already.
      const diagonal = (((met & up) + up) ^ up) | met;
      let rising = down | ~(diagonal | up);
      let falling = up & diagonal;
      if (word === words - 1) distance += ((rising >>> lastRow) & 1) - ((falling >>> lastRow) & 1);
      const plusOut = rising >>> 31;
      const minusOut = falling >>> 31;
      rising = (rising << 1) | plusIn;
      falling = (falling << 1) | minusIn;
      plus[word] = falling | ~(vertical | rising);
      minus[word] = rising & vertical;
      plusIn = plusOut;
      minusIn = minusOut;
    }
  }
  return distance;
}

/** 1 - distance / length of the longer one: 1 for equal sequences, two empty ones among them, 0 where nothing is in its place. */
export function editSimilarity(pair: Pair): number {
  const longer = Math.max(pair.a.length, pair.b.length);
  return longer === 0 ? 1 : 1 - levenshtein(pair) / longer;
}
