/** Categories by method against SciPy's permutations and bootstrap, and effective counts by their definition. How often they find what is not there: `failure-kinds.test.ts`. */
import { describe, expect, it } from 'vitest';
import { Bootstrap } from '../../../../src/reports/statistics/bootstrap.js';
import { categorySwaps } from '../../../../src/reports/statistics/category-swaps.js';
import { effectiveCounts } from '../../../../src/reports/statistics/effective-counts.js';
import { swaps } from './golden.js';

describe('categories by method', () => {
  it.each(swaps.categories)('of $samples samples a problem have the p-value that SciPy counts: $p', ({ samples, methods, p }) => {
    const size = methods[0]!.length;
    const options = { samples: samples.map((count) => new Array<number>(size).fill(count)) };
    const found = categorySwaps(new Bootstrap(size, { resamples: 9 }), 3, methods, options);
    // Several methods are permuted at random: four standard errors of a share of 9,999, and the place of the data themselves.
    if (methods.length === 2) expect(found.p).toBeCloseTo(p, 12);
    else expect(Math.abs(found.p! - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 9_999) + 1e-4);
    expect(found.table).toEqual(methods.map((counts) => [0, 1, 2].map((i) => counts.reduce((sum, row) => sum + row[i]!, 0))));
  });

  it.each(swaps.intervals)('have a V of $value, with the interval that SciPy resamples', (golden) => {
    const { methods, resamples, value } = golden;
    const bootstrap = new Bootstrap(methods[0]!.length, { resamples, seed: 5n });
    const { cramersV } = categorySwaps(bootstrap, 3, methods, { draws: 1 });
    expect(cramersV.value).toBeCloseTo(value, 12);
    expect(Math.abs(cramersV.low! ** 2 - golden.low_square)).toBeLessThanOrEqual(golden.tolerance);
    expect(Math.abs(cramersV.high! ** 2 - golden.high_square)).toBeLessThanOrEqual(golden.tolerance);
    // SciPy's tolerance is no excuse for the percentiles as they stand.
    expect(golden.tolerance).toBeLessThan((golden.high_square - golden.low_square) / 8);
  });
});

describe('effective counts', () => {
  it('are the counts where all weigh the same, and else sum to (sum of weights)² over the sum of squares', () => {
    expect([...effectiveCounts(Float64Array.of(3 / 12, 5 / 12), 8 / 144)].map((count) => Math.round(count * 1e9) / 1e9)).toEqual([3, 5]);
    // Two of weight 1 in the first category, four of weight 1/4 in the second: (2 + 1)² / (2 + 4/16) = 4, two thirds of it in the first.
    const counts = effectiveCounts(Float64Array.of(2, 1), 2 + 4 / 16);
    expect(counts[0]! + counts[1]!).toBeCloseTo(4, 12);
    expect(counts[0]).toBeCloseTo(8 / 3, 12);
    expect([...effectiveCounts(new Float64Array(2), 0)]).toEqual([0, 0]);
  });
});
