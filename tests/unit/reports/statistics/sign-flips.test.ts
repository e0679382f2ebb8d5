/** Tests by flipping signs: against all flips of few problems, and how often chance finds something where there is nothing. */
import { describe, expect, it } from 'vitest';
import { PhiloxStream } from '../../../../src/reports/statistics/philox.js';
import { signFlipTests } from '../../../../src/reports/statistics/sign-flips.js';

const stream = new PhiloxStream(11n);
const deviation = (): number => (stream.word() + 0.5) / 2 ** 32 - 0.5;
const list = (length: number): number[] => Array.from({ length }, deviation);

/** The share of all flips under which any list comes as far as the first one does. */
function byEnumeration(lists: readonly (readonly number[])[]): number {
  const size = lists[0]!.length;
  const statistic = (values: readonly number[], flip: number): number =>
    Math.abs(values.reduce((sum, value, i) => sum + ((flip >> i) % 2 === 0 ? value : -value), 0)) /
    Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const observed = statistic(lists[0]!, 0) - 1e-9;
  let asLarge = 0;
  for (let flip = 0; flip < 2 ** size; flip++) if (lists.some((values) => statistic(values, flip) >= observed)) asLarge++;
  return asLarge / 2 ** size;
}

describe('signFlipTests', () => {
  it('agrees with all flips, for one list and for several', () => {
    for (const lists of [[list(9)], [list(9).map(Math.abs), list(9), list(9)]]) {
      const p = signFlipTests(lists, { flips: 9_999 })[0]!;
      // Four standard errors of a share of 9,999 draws.
      expect(Math.abs(p - byEnumeration(lists))).toBeLessThanOrEqual(0.02);
    }
  });

  it('shows nothing of five problems, and what is always so of ten', () => {
    const always = (length: number): number[] => new Array<number>(length).fill(0.5);
    // 2 of 2^5 flips come as far, however few of them were drawn.
    for (let seed = 0n; seed < 200n; seed++) expect(signFlipTests([always(5)], { flips: 99, seed })[0]).toBeGreaterThanOrEqual(2 / 2 ** 5);
    expect(signFlipTests([always(10)], { flips: 1_999 })[0]).toBeLessThan(0.01);
  });

  it('knows lists without values, and lists of nothing but zeros', () => {
    expect(signFlipTests([[null, null], [0, null], [0, 0]], { flips: 99 })).toEqual([null, 1, 1]); // prettier-ignore
    expect(signFlipTests([])).toEqual([]);
    expect(() => signFlipTests([[1], [1, 2]])).toThrow(RangeError);
  });

  it('finds something where there is nothing in one family of twenty, also of few problems and many lists', () => {
    const families = 200;
    const size = 8;
    let found = 0;
    for (let family = 0; family < families; family++) {
      const lists = Array.from({ length: 40 }, () => list(size));
      if (signFlipTests(lists, { flips: 199, seed: BigInt(family) }).some((p) => p! <= 0.05)) found++;
    }
    // 0.05 and four standard errors of 200 families. One by one, 87 % of families would have a finding.
    expect(found / families).toBeLessThanOrEqual(0.05 + 4 * Math.sqrt((0.05 * 0.95) / families));
  });
});
