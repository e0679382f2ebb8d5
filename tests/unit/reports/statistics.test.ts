/** The statistics against SciPy's values (tests/golden/statistics.json), published vectors, and properties. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bootstrap } from '../../../src/reports/statistics/bootstrap.js';
import { normalCdf, normalQuantile } from '../../../src/reports/statistics/normal.js';
import { passAtK } from '../../../src/reports/statistics/pass-at-k.js';
import { PhiloxStream, philoxBlock } from '../../../src/reports/statistics/philox.js';
import { wilsonInterval } from '../../../src/reports/statistics/wilson.js';

interface Golden {
  pass_at_k: { n: number; c: number; k: number; value: number }[];
  wilson_95: { x: number; n: number; low: number; high: number }[];
  bca_mean_95: { values: number[]; low: number; high: number; tolerance: number };
}
const golden = JSON.parse(readFileSync(new URL('../../golden/statistics.json', import.meta.url), 'utf8')) as Golden;

describe('pass@k', () => {
  it.each(golden.pass_at_k)('n=$n c=$c k=$k is $value', ({ n, c, k, value }) => {
    expect(passAtK(n, c, k)).toBeCloseTo(value, 14);
  });

  it('equals the share of k-subsets with a passing sample, by enumeration', () => {
    for (let n = 1; n <= 7; n++) {
      for (let c = 0; c <= n; c++) {
        for (let k = 1; k <= n; k++) {
          let subsets = 0;
          let passing = 0;
          for (let mask = 0; mask < 1 << n; mask++) {
            const bits = mask.toString(2).replaceAll('0', '').length;
            if (bits !== k) continue;
            subsets++;
            if ((mask & ((1 << c) - 1)) !== 0) passing++;
          }
          expect(passAtK(n, c, k)).toBeCloseTo(passing / subsets, 12);
        }
      }
    }
  });

  it.each([
    [5, 6, 1],
    [5, 2, 6],
    [5, 2, 0],
    [0, 0, 1],
    [5, 0.5, 1],
  ])('refuses n=%d c=%d k=%d', (n, c, k) => {
    expect(() => passAtK(n, c, k)).toThrow(RangeError);
  });
});

describe('normal distribution', () => {
  // scipy.stats.norm.cdf, one point in each range of the approximation and its borders.
  it.each([
    [0, 0.5],
    [0.5, 0.6914624612740131],
    [-0.66, 0.25462691467133614],
    [1, 0.8413447460685429],
    [-1.959963984540054, 0.025],
    [3, 0.9986501019683699],
    [-6, 9.865876450376946e-10],
    [-10, 7.61985302416047e-24],
  ])('cdf(%d) = %d', (x, p) => {
    expect(Math.abs(normalCdf(x) - p)).toBeLessThanOrEqual(2e-15 * Math.max(p, 1e-3));
  });

  it.each([
    [0.5, 0],
    [0.975, 1.959963984540054],
    [0.025, -1.9599639845400545],
    [0.9, 1.2815515655446004],
    [1e-10, -6.361340902404056],
    [1e-20, -9.262340089798408],
  ])('quantile(%d) = %d', (p, x) => {
    expect(normalQuantile(p)).toBeCloseTo(x, 13);
  });

  it('quantile inverts cdf', () => {
    fc.assert(
      fc.property(fc.double({ min: -6, max: 6, noNaN: true }), (x) => {
        expect(normalQuantile(normalCdf(x))).toBeCloseTo(x, 6);
      }),
    );
  });
});

describe('Wilson', () => {
  it.each(golden.wilson_95)('$x of $n', ({ x, n, low, high }) => {
    const interval = wilsonInterval(x, n);
    expect(interval.low).toBeCloseTo(low, 12);
    expect(interval.high).toBeCloseTo(high, 12);
  });

  it('stays within [0, 1] and holds the proportion', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const { low, high } = wilsonInterval(share * n, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(share + 1e-12);
        expect(high).toBeGreaterThanOrEqual(share - 1e-12);
      }),
    );
  });
});

describe('Philox4x32-10', () => {
  // Known answers of Random123's kat_vectors.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('counter %j key %j', (counter, key, want) => {
    const out = new Uint32Array(4);
    philoxBlock(counter, key, out);
    expect([...out]).toEqual(want);
  });

  it('draws every number below the bound about equally often', () => {
    const stream = new PhiloxStream(7n);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[stream.below(10)]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    // 9 degrees of freedom: 27.9 is exceeded once in a thousand seeds; this seed is fixed.
    expect(chiSquare).toBeLessThan(27.9);
  });
});

describe('bootstrap over problems', () => {
  const { values, low, high, tolerance } = golden.bca_mean_95;
  const ones = values.map(() => 1);

  it('agrees with SciPy about the BCa interval of a mean', () => {
    const estimate = new Bootstrap(values.length, { seed: 1n, resamples: 99_999 }).ratio(values, ones);
    expect(estimate.method).toBe('bca');
    expect(Math.abs(estimate.low! - low)).toBeLessThanOrEqual(tolerance);
    expect(Math.abs(estimate.high! - high)).toBeLessThanOrEqual(tolerance);
  });

  it('is symmetric where the data are: ties with the value count half', () => {
    const half = Array.from({ length: 20 }, (_, i) => i % 2);
    const estimate = new Bootstrap(20, { seed: 2n }).ratio(
      half,
      half.map(() => 1),
    );
    expect(estimate.low! + estimate.high!).toBeCloseTo(1, 6);
    expect(estimate.low).toBeCloseTo(0.3, 6);
  });

  it('is a function of the seed', () => {
    const once = new Bootstrap(values.length, { seed: 5n }).ratio(values, ones);
    const again = new Bootstrap(values.length, { seed: 5n }).ratio(values, ones);
    const other = new Bootstrap(values.length, { seed: 6n }).ratio(values, ones);
    expect(again).toEqual(once);
    expect(other.low).not.toBe(once.low);
  });

  it('does not claim certainty where every problem agrees', () => {
    const none = new Bootstrap(30).ratio(new Array<number>(30).fill(0), new Array<number>(30).fill(20));
    expect(none).toMatchObject({ value: 0, low: 0, method: 'wilson' });
    expect(none.high).toBeCloseTo(wilsonInterval(0, 30).high, 12);
    const all = new Bootstrap(30).ratio(new Array<number>(30).fill(20), new Array<number>(30).fill(20));
    expect(all).toMatchObject({ value: 1, high: 1, method: 'wilson' });
  });

  it('ignores problems without a denominator, and says nothing without any', () => {
    const some = new Bootstrap(3).ratio([0, 0, 0], [0, 5, 0]);
    expect(some.high).toBeCloseTo(wilsonInterval(0, 1).high, 12);
    expect(new Bootstrap(3).ratio([0, 0, 0], [0, 0, 0])).toEqual({ value: null, low: null, high: null, method: 'none' });
    expect(new Bootstrap(0).ratio([], [])).toEqual({ value: null, low: null, high: null, method: 'none' });
  });

  it('keeps shares within [0, 1] and around the value', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { minLength: 1, maxLength: 30 }), (pairs) => {
        const totals = pairs.map(([a, b]) => a + b);
        const estimate = new Bootstrap(pairs.length, { resamples: 199 }).ratio(
          pairs.map(([a]) => a),
          totals,
        );
        if (estimate.value === null) return;
        expect(estimate.low).toBeGreaterThanOrEqual(0);
        expect(estimate.high).toBeLessThanOrEqual(1);
        expect(estimate.low).toBeLessThanOrEqual(estimate.high!);
      }),
      { numRuns: 60 },
    );
  });

  it('covers the truth about as often as it says', () => {
    // 60 problems with success rates from a skewed distribution, 10 samples each; truth 1/3.
    const stream = new PhiloxStream(11n);
    const uniform = (): number => (stream.word() + 0.5) / 2 ** 32;
    let covered = 0;
    const trials = 300;
    const bootstrap = new Bootstrap(60, { resamples: 999, seed: 3n });
    const totals = new Array<number>(60).fill(10);
    for (let trial = 0; trial < trials; trial++) {
      const passes = totals.map((n) => {
        const rate = uniform() ** 2; // mean 1/3
        let c = 0;
        for (let i = 0; i < n; i++) if (uniform() < rate) c++;
        return c;
      });
      const { low, high } = bootstrap.ratio(passes, totals);
      if (low! <= 1 / 3 && high! >= 1 / 3) covered++;
    }
    // 95 % of 300 is 285; three standard deviations are 11, and BCa undercovers a little at 60 clusters.
    expect(covered).toBeGreaterThanOrEqual(270);
    expect(covered).toBeLessThanOrEqual(298);
  });
});
