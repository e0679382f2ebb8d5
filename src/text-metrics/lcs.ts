/**
 * The length of the longest common subsequence, 32 rows of the table at a time.
 *
 * Source: H. Hyyrö, "Bit-parallel LCS-length computation revisited", AWOCA 2004.
 */
import type { Pair } from './pair.js';

/** Symbols that stand in both sequences in the same order, most of them. Time: length of the one times length of the other / 32. */
export function longestCommonSubsequence({ a, b, alphabet }: Pair): number {
  const words = Math.ceil(a.length / 32);
  /** [symbol, word]: in which rows the symbol stands. */
  const places = new Int32Array(alphabet * words);
  for (let row = 0; row < a.length; row++) places[a[row]! * words + (row >> 5)]! |= 1 << (row & 31);
  // A zero is a row where the length grows. Rows beyond the sequence match nothing and stay ones.
  const flat = new Int32Array(words).fill(-1);
  for (const symbol of b) {
    let carry = 0;
    for (let word = 0; word < words; word++) {
      const old = flat[word]!;
      const matches = old & places[symbol * words + word]!;
      const sum = (old >>> 0) + (matches >>> 0) + carry;
      carry = sum > 0xffffffff ? 1 : 0;
      flat[word] = sum | (old & ~matches);
    }
  }
  let length = 0;
  for (const word of flat) length += ones(~word);
  return length;
}

/** How many bits are set. */
function ones(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
