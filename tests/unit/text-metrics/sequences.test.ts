/** The fast algorithms on sequences against slow plain ones. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { longestCommonSubsequence } from '../../../src/text-metrics/lcs.js';
import { editSimilarity, levenshtein } from '../../../src/text-metrics/levenshtein.js';
import { ngramCounts } from '../../../src/text-metrics/ngrams.js';
import { pairOf } from '../../../src/text-metrics/pair.js';

// Few symbols and lengths around multiples of 32, where a word of bits ends.
const symbols = (most: number) => fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: most });
const sequence = fc.oneof(
  symbols(8),
  symbols(140),
  fc.constantFrom(31, 32, 33, 63, 64, 65, 96).chain((n) => fc.array(fc.nat(3), { minLength: n, maxLength: n })),
);

/** The table that the definition spells. */
function table<T>(
  a: readonly T[],
  b: readonly T[],
  first: (i: number) => number,
  next: (equal: boolean, diagonal: number, up: number, left: number) => number,
): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => first(j));
  for (let i = 1; i <= a.length; i++) {
    const below = [first(i)];
    for (let j = 1; j <= b.length; j++) below.push(next(a[i - 1] === b[j - 1], row[j - 1]!, row[j]!, below[j - 1]!));
    row = below;
  }
  return row[b.length]!;
}
const plainLevenshtein = <T>(a: readonly T[], b: readonly T[]): number =>
  table(
    a,
    b,
    (i) => i,
    (equal, diagonal, up, left) => Math.min(diagonal + (equal ? 0 : 1), up + 1, left + 1),
  );
const plainLcs = <T>(a: readonly T[], b: readonly T[]): number =>
  table(
    a,
    b,
    () => 0,
    (equal, diagonal, up, left) => (equal ? diagonal + 1 : Math.max(up, left)),
  );

describe("Levenshtein's distance", () => {
  test.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['intention', 'execution', 5],
    ['flaw', 'lawn', 2],
    ['saturday', 'sunday', 3],
  ])('%j to %j is %d', (a, b, distance) => {
    expect(levenshtein(pairOf(Array.from(a), Array.from(b)))).toBe(distance);
  });

  it('is what the table says', () => {
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        expect(levenshtein(pairOf(a, b))).toBe(plainLevenshtein(a, b));
      }),
      { numRuns: 600 },
    );
  });

  it('is what the table says, for a few changes to a long sequence', () => {
    const change = fc.tuple(fc.nat(399), fc.constantFrom('replace', 'insert', 'delete'), fc.nat(3));
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 400, maxLength: 400 }), fc.array(change, { maxLength: 12 }), (a, changes) => {
        const b = [...a];
        for (const [at, how, symbol] of changes) b.splice(at, how === 'insert' ? 0 : 1, ...(how === 'delete' ? [] : [symbol]));
        const distance = levenshtein(pairOf(a, b));
        expect(distance).toBe(plainLevenshtein(a, b));
        expect(distance).toBeLessThanOrEqual(changes.length);
      }),
      { numRuns: 40 },
    );
  });

  it('makes a similarity from 0 to 1, symmetric, 1 for equal sequences alone', () => {
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        const similarity = editSimilarity(pairOf(a, b));
        expect(similarity).toBe(editSimilarity(pairOf(b, a)));
        expect(similarity).toBeGreaterThanOrEqual(0);
        expect(similarity === 1).toBe(a.length === b.length && a.every((symbol, i) => symbol === b[i]));
      }),
    );
  });
});

describe('the longest common subsequence', () => {
  test.each([
    ['', 'abc', 0],
    ['ABCBDAB', 'BDCABA', 4],
    ['XMJYAUZ', 'MZJAWXU', 4],
  ])('of %j and %j has length %d', (a, b, length) => {
    expect(longestCommonSubsequence(pairOf(Array.from(a), Array.from(b)))).toBe(length);
  });

  it('is as long as the table says', () => {
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        expect(longestCommonSubsequence(pairOf(a, b))).toBe(plainLcs(a, b));
      }),
      { numRuns: 600 },
    );
  });
});

describe('n-grams', () => {
  it('are counted as a map of strings counts them', () => {
    fc.assert(
      fc.property(sequence, sequence, (a, b) => {
        const pair = pairOf(a, b);
        ngramCounts(pair, 6).forEach((counts, index) => {
          const n = index + 1;
          const grams = (of: readonly number[]): Map<string, number> => {
            const map = new Map<string, number>();
            for (let i = 0; i + n <= of.length; i++) {
              const gram = of.slice(i, i + n).join();
              map.set(gram, (map.get(gram) ?? 0) + 1);
            }
            return map;
          };
          const [inA, inB] = [grams(a), grams(b)];
          expect(counts).toEqual({
            ofA: Math.max(0, a.length - n + 1),
            ofB: Math.max(0, b.length - n + 1),
            shared: [...inA].reduce((sum, [gram, count]) => sum + Math.min(count, inB.get(gram) ?? 0), 0),
            distinct: new Set([...inA.keys(), ...inB.keys()]).size,
          });
        });
      }),
      { numRuns: 300 },
    );
  });
});
