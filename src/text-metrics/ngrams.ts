/** Counts of n-grams, exact: each n-gram gets a number, made of the number of its beginning and its last symbol. */
import type { Pair } from './pair.js';

/** The n-grams of one length, n, of two sequences. */
export interface NgramCounts {
  /** How many each sequence has: its length - n + 1, or none. */
  readonly ofA: number;
  readonly ofB: number;
  /** How many of them are in both, each as often as in the one that has it less often. */
  readonly shared: number;
  /** Different ones in the two together. */
  readonly distinct: number;
}

/** The counts for n = 1 to `longest`, in that order. Linear in the sequences' lengths, for each n. */
export function ngramCounts({ a, b, alphabet }: Pair, longest: number): NgramCounts[] {
  const all: NgramCounts[] = [];
  let prefixA = a;
  let prefixB = b;
  let distinct = alphabet;
  for (let n = 1; n <= longest; n++) {
    if (n > 1) {
      const numbers = new Numbers(Math.max(0, prefixA.length - 1) + Math.max(0, prefixB.length - 1));
      prefixA = extended(prefixA, a, n, numbers);
      prefixB = extended(prefixB, b, n, numbers);
      distinct = numbers.size;
    }
    all.push({ ofA: prefixA.length, ofB: prefixB.length, shared: sharedOf(prefixA, prefixB, distinct), distinct });
  }
  return all;
}

/** The numbers of a sequence's n-grams, from those of its (n-1)-grams. */
function extended(prefixes: Int32Array, symbols: Int32Array, n: number, numbers: Numbers): Int32Array {
  const out = new Int32Array(Math.max(0, symbols.length - n + 1));
  for (let i = 0; i < out.length; i++) out[i] = numbers.of(prefixes[i]!, symbols[i + n - 1]!);
  return out;
}

function sharedOf(a: Int32Array, b: Int32Array, distinct: number): number {
  const left = new Int32Array(distinct);
  for (const ngram of a) left[ngram]!++;
  let shared = 0;
  for (const ngram of b) {
    if (left[ngram]! > 0) {
      left[ngram]!--;
      shared++;
    }
  }
  return shared;
}

/** Numbers pairs of numbers from 0 on: a hash table with open addressing, several times as fast here as a Map of strings. */
class Numbers {
  size = 0;
  /** A pair's number + 1, or 0 where the place is free. */
  private readonly table: Int32Array;
  private readonly firsts: Int32Array;
  private readonly seconds: Int32Array;

  constructor(most: number) {
    let places = 16;
    while (places < 2 * most) places *= 2;
    this.table = new Int32Array(places);
    this.firsts = new Int32Array(most);
    this.seconds = new Int32Array(most);
  }

  of(first: number, second: number): number {
    const mask = this.table.length - 1;
    let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const found = this.table[place]! - 1;
      if (found < 0) {
        this.firsts[this.size] = first;
        this.seconds[this.size] = second;
        this.table[place] = ++this.size;
        return this.size - 1;
      }
      if (this.firsts[found] === first && this.seconds[found] === second) return found;
    }
  }
}
