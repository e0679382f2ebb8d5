/** Tests, effect sizes and agreement against SciPy, statsmodels and published examples; degenerate input; properties. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { auroc } from '../../../../src/reports/statistics/auroc.js';
import { benjaminiHochberg } from '../../../../src/reports/statistics/benjamini-hochberg.js';
import { Bootstrap } from '../../../../src/reports/statistics/bootstrap.js';
import { chiSquareTest } from '../../../../src/reports/statistics/chi-square.js';
import { cliffsDelta, rateDominance } from '../../../../src/reports/statistics/cliffs-delta.js';
import { cohensKappa } from '../../../../src/reports/statistics/cohens-kappa.js';
import { mcnemar } from '../../../../src/reports/statistics/mcnemar.js';
import { rateDifference } from '../../../../src/reports/statistics/paired-bootstrap.js';
import { PhiloxStream } from '../../../../src/reports/statistics/philox.js';
import { golden, more } from './golden.js';

describe('McNemar', () => {
  it.each(more.mcnemar)('$b against $c', ({ b, c, exact, mid_p, statistic, chi_square }) => {
    const test = mcnemar(b, c);
    expect(Math.abs(test.exact / exact - 1)).toBeLessThan(1e-10);
    expect(Math.abs(test.midP / mid_p - 1)).toBeLessThan(1e-10);
    expect(test.statistic).toBeCloseTo(statistic, 12);
    expect(Math.abs(test.chiSquare / chi_square - 1)).toBeLessThan(1e-10);
    expect(mcnemar(c, b)).toEqual(test);
  });

  it.each(golden.mcnemar)('$b against $c, as statsmodels has it', ({ b, c, exact_p, chi2_corrected_p }) => {
    const test = mcnemar(b, c);
    expect(test.exact).toBeCloseTo(exact_p, 12);
    // Where counts are equal statsmodels' correction goes past no difference: it squares -1.
    if (b === c) expect(test).toMatchObject({ statistic: 0, chiSquare: 1 });
    else expect(test.chiSquare).toBeCloseTo(chi2_corrected_p, 12);
  });

  it('finds nothing where no pair differs', () => {
    expect(mcnemar(0, 0)).toEqual({ exact: 1, midP: 1, statistic: null, chiSquare: 1 });
  });

  it('has a mid-p value that is never above the exact one', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), (b, c) => {
        const { exact, midP } = mcnemar(b, c);
        expect(midP).toBeLessThanOrEqual(exact + 1e-12);
        expect(midP).toBeGreaterThan(0);
      }),
    );
  });

  test.each([-1, 0.5, NaN, Infinity])('refuses a count of %d', (count) => {
    expect(() => mcnemar(count, 3)).toThrow(RangeError);
    expect(() => mcnemar(3, count)).toThrow(RangeError);
  });
});

describe('Benjamini and Hochberg', () => {
  it.each([golden.benjamini_hochberg, ...more.benjamini_hochberg])('of $p', ({ p, adjusted }) => {
    const ours = benjaminiHochberg(p);
    ours.forEach((value, i) => expect(value).toBeCloseTo(adjusted[i]!, 12));
  });

  it('leaves what is no test alone, and has nothing to say of nothing', () => {
    expect(benjaminiHochberg([0.04, null, 0.01])).toEqual([0.04, null, 0.02]);
    expect(benjaminiHochberg([])).toEqual([]);
    expect(benjaminiHochberg([null])).toEqual([null]);
  });

  it('keeps the order, makes nothing smaller, and finds what stepping up finds', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (p) => {
        const adjusted = benjaminiHochberg(p) as number[];
        p.forEach((value, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(value);
          expect(adjusted[i]).toBeLessThanOrEqual(1);
          p.forEach((other, j) => value <= other && expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j]!));
        });
        // The procedure as published: the largest rank with p <= rank / m x bound, and all below it.
        const ascending = [...p].sort((a, b) => a - b);
        const most = ascending.findLastIndex((value, rank) => value * (p.length / (rank + 1)) <= 0.1);
        expect(adjusted.filter((value) => value <= 0.1)).toHaveLength(most + 1);
      }),
    );
  });

  test.each([-0.1, 1.1, NaN])('refuses %d', (p) => {
    expect(() => benjaminiHochberg([0.5, p])).toThrow(RangeError);
  });
});

describe('chi-square and Cramér', () => {
  it.each(more.chi_square)('of $table', ({ table, statistic, dof, p, small_cells, v, v_corrected }) => {
    const test = chiSquareTest(table);
    expect(test.degrees).toBe(dof);
    expect(Math.abs(test.statistic / statistic - 1)).toBeLessThan(1e-12);
    expect(Math.abs(test.p / p - 1)).toBeLessThan(1e-10);
    expect(test.smallCells).toBeCloseTo(small_cells, 12);
    expect(test.cramersV).toBeCloseTo(v, 12);
    expect(test.cramersVCorrected).toBeCloseTo(v_corrected, 12);
  });

  it('agrees with the older reference too', () => {
    const { table, statistic, p, dof, cramers_v } = golden.chi_square;
    const test = chiSquareTest(table);
    expect(test.degrees).toBe(dof);
    expect(test.statistic).toBeCloseTo(statistic, 10);
    expect(test.p / p).toBeCloseTo(1, 10);
    expect(test.cramersV).toBeCloseTo(cramers_v, 12);
  });

  it('counts cells in which fewer than five are expected', () => {
    const cells = (table: number[][]): number => chiSquareTest(table).smallCells;
    // 4.5 and 5 in every cell; then 10 and 10 beside 4.5 and 4.5.
    expect(
      cells([
        [4, 5],
        [5, 4],
      ]),
    ).toBe(1);
    expect(
      cells([
        [5, 5],
        [5, 5],
      ]),
    ).toBe(0);
    expect(
      cells([
        [10, 10],
        [4, 5],
      ]),
    ).toBe(0.5);
  });

  it('does not see rows and columns without counts', () => {
    expect(
      chiSquareTest([
        [30, 0, 14],
        [0, 0, 0],
        [20, 0, 25],
      ]),
    ).toEqual(
      chiSquareTest([
        [30, 14],
        [20, 25],
      ]),
    );
  });

  test.each([
    [[]],
    [[[]]],
    [[[0, 0]]],
    [[[3, 4]]],
    [[[3], [4]]],
    [
      [
        [0, 3],
        [0, 4],
      ],
    ],
  ])('finds nothing in %j', (table: number[][]) => {
    expect(chiSquareTest(table)).toMatchObject({ statistic: 0, degrees: 0, p: 1, cramersV: null, cramersVCorrected: null });
  });

  it('has no corrected size where the correction leaves nothing', () => {
    expect(
      chiSquareTest([
        [1, 0],
        [0, 1],
      ]),
    ).toMatchObject({ statistic: 2, cramersV: 1, cramersVCorrected: null });
  });

  test.each([[[[1, 2], [3]]], [[[1, -1]]], [[[1, 0.5]]], [[[1, NaN]]]])('refuses %j', (table: number[][]) => {
    expect(() => chiSquareTest(table)).toThrow(RangeError);
  });

  it('is the same for a table on its side, with sizes from 0 to 1 of which the corrected one is the smaller', () => {
    const tables = fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
      .chain(([rows, columns]) =>
        fc.array(fc.array(fc.nat(30), { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
      );
    fc.assert(
      fc.property(tables, (table) => {
        const test = chiSquareTest(table);
        const turned = chiSquareTest(table[0]!.map((_, column) => table.map((row) => row[column]!)));
        expect(turned.degrees).toBe(test.degrees);
        expect(turned.statistic).toBeCloseTo(test.statistic, 8);
        expect(test.p).toBeGreaterThanOrEqual(0);
        expect(test.p).toBeLessThanOrEqual(1);
        if (test.cramersV === null || test.cramersVCorrected === null) return;
        expect(test.cramersV).toBeLessThanOrEqual(1);
        expect(test.cramersVCorrected).toBeGreaterThanOrEqual(0);
        expect(test.cramersVCorrected).toBeLessThanOrEqual(test.cramersV + 1e-12);
      }),
    );
  });
});

describe("Cliff's delta", () => {
  it('is what the reference says', () => {
    const { a, b, value } = golden.cliffs_delta;
    expect(cliffsDelta(a, b)).toBeCloseTo(value, 12);
  });

  it('is the difference of two probabilities, by all pairs, and 2 AUROC - 1', () => {
    const values = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(values, values, (a, b) => {
        const pairs = a.flatMap((x) => b.map((y) => Math.sign(x - y)));
        const delta = cliffsDelta(a, b)!;
        expect(delta).toBeCloseTo(pairs.reduce<number>((sum, sign) => sum + sign, 0) / pairs.length, 12);
        expect(cliffsDelta(b, a)).toBeCloseTo(-delta, 12);
        expect(delta).toBeCloseTo(2 * auroc({ scores: [...a, ...b], positive: [...a.map(() => 1), ...b.map(() => 0)] })! - 1, 12);
      }),
    );
  });

  it('is null without values, and refuses what is none', () => {
    expect(cliffsDelta([], [1])).toBeNull();
    expect(cliffsDelta([1], [])).toBeNull();
    expect(() => cliffsDelta([NaN], [1])).toThrow(RangeError);
  });
});

describe("Cliff's delta of rates by problem", () => {
  const dominance = (first: number[], second: number[]): ReturnType<typeof rateDominance> =>
    rateDominance(new Bootstrap(first.length, { resamples: 499 }), first, second);

  it('are as far apart as the pairs of problems say', () => {
    // Of nine pairs the second is higher in 5 and lower in 4; with a tie in place of one of the five, in 4.
    expect(dominance([0, 0.5, 1], [0.2, 0.7, 0.6]).value).toBeCloseTo((5 - 4) / 9, 12);
    expect(dominance([0, 0.5, 1], [0.2, 0.7, 0.5]).value).toBe(0);
    expect(dominance([0.1, 0.2, 0.1], [0.9, 0.8, 0.7])).toMatchObject({ value: 1, low: null, high: null });
    expect(dominance([0, 1], [0, 1]).value).toBe(0);
    expect(dominance([], [])).toMatchObject({ value: null, method: 'none' });
  });

  it('have an interval over problems that holds the value, and turns round with the experiments', () => {
    const first = Array.from({ length: 30 }, (_, i) => (i % 7) / 10);
    const second = first.map((rate, i) => rate + (i % 3 === 0 ? 0.25 : -0.03));
    const [there, back] = [dominance(first, second), dominance(second, first)];
    expect(there.low).toBeLessThan(there.value!);
    expect(there.high).toBeGreaterThan(there.value!);
    expect(back.value).toBeCloseTo(-there.value!, 12);
    expect(back.low).toBeCloseTo(-there.high!, 6);
  });
});

describe("Cohen's kappa", () => {
  /** Two lists of labels from the counts [first rater][second rater]. */
  const labels = (table: readonly (readonly number[])[]): [string[], string[]] => {
    const pairs = table.flatMap((row, a) => row.flatMap((count, b) => Array.from({ length: count }, () => [`c${a}`, `c${b}`] as const)));
    return [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
  };

  // The third table is the one of Fleiss, Cohen and Everitt (1969), who find 0.492.
  it.each(more.kappa)('of $table', ({ table, value, low, high }) => {
    const kappa = cohensKappa(...labels(table));
    expect(kappa.value).toBeCloseTo(value, 12);
    expect(kappa.low).toBeCloseTo(Math.max(-1, low), 12);
    expect(kappa.high).toBeCloseTo(Math.min(1, high), 12);
  });

  it('is undefined where chance agrees always, and where nothing was rated', () => {
    expect(cohensKappa(['a', 'a'], ['a', 'a'])).toEqual({ value: null, low: null, high: null, agreement: 1 });
    expect(cohensKappa([], [])).toEqual({ value: null, low: null, high: null, agreement: null });
    expect(cohensKappa(['a', 'a'], ['b', 'b'])).toMatchObject({ value: 0, agreement: 0 });
    expect(() => cohensKappa(['a'], [])).toThrow(RangeError);
  });

  it('does not depend on who is first, nor on the names', () => {
    const list = fc.array(fc.tuple(fc.constantFrom('1.1', '2.1', '8.4'), fc.constantFrom('1.1', '2.1', '8.4')), {
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(list, (pairs) => {
        const [first, second] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
        const kappa = cohensKappa(first, second);
        const turned = cohensKappa(
          second.map((name) => `x${name}`),
          first.map((name) => `x${name}`),
        );
        if (kappa.value === null) {
          expect(turned.value).toBeNull();
          return;
        }
        expect(turned.value).toBeCloseTo(kappa.value, 10);
        expect(turned.low).toBeCloseTo(kappa.low!, 6);
        expect(kappa.value).toBeGreaterThanOrEqual(-1 - 1e-12);
        expect(kappa.value).toBeLessThanOrEqual(1 + 1e-12);
        expect(kappa.low).toBeLessThanOrEqual(kappa.high!);
      }),
    );
  });
});

describe('any statistic by bootstrap', () => {
  const { values } = golden.bca_mean_95;

  it('has the interval of the ratio that it is', () => {
    const bootstrap = new Bootstrap(values.length, { seed: 4n, resamples: 1_999 });
    const ratio = bootstrap.ratio(
      values,
      values.map(() => 1),
    );
    const mean = bootstrap.statistic((weights) => values.reduce((sum, value, i) => sum + value * weights[i]!, 0) / values.length);
    expect(mean.method).toBe('bca');
    for (const key of ['value', 'low', 'high'] as const) expect(mean[key]).toBeCloseTo(ratio[key]!, 10);
  });

  it('is null where it is undefined, and without an interval where it cannot vary', () => {
    const bootstrap = new Bootstrap(5, { resamples: 99 });
    expect(bootstrap.statistic(() => null)).toEqual({ value: null, low: null, high: null, method: 'none' });
    expect(bootstrap.statistic(() => 3)).toEqual({ value: 3, low: null, high: null, method: 'none' });
    expect(new Bootstrap(0, { resamples: 9 }).statistic(() => 3)).toMatchObject({ low: null, method: 'none' });
  });
});

describe('the difference of rates over the same problems', () => {
  const tens = (count: number): number[] => new Array<number>(count).fill(10);

  it('does not see how hard problems are', () => {
    // The second method passes one more of each problem's ten: the rates vary from 0 to 0.9, their difference does not.
    const first = Array.from({ length: 40 }, (_, i) => i % 10);
    const bootstrap = new Bootstrap(40, { seed: 1n, resamples: 999 });
    const same = rateDifference(bootstrap, { hits: first.map((n) => n + 1), samples: tens(40) }, { hits: first, samples: tens(40) });
    expect(same.value).toBeCloseTo(0.1, 12);
    expect(same).toMatchObject({ low: null, method: 'none' });
    // One problem apart it does, a little: far less than either rate.
    const nearly = first.map((n, i) => n + (i === 3 ? 0 : 1));
    const difference = rateDifference(bootstrap, { hits: nearly, samples: tens(40) }, { hits: first, samples: tens(40) });
    const rate = bootstrap.ratio(first, tens(40));
    expect(difference.method).toBe('bca');
    expect(difference.high! - difference.low!).toBeLessThan((rate.high! - rate.low!) / 10);
  });

  it('turns round with the methods, and is nothing between a method and itself', () => {
    const stream = new PhiloxStream(3n);
    const hits = (): number[] => tens(30).map(() => stream.below(11));
    const [a, b] = [
      { hits: hits(), samples: tens(30) },
      { hits: hits(), samples: tens(30) },
    ];
    const bootstrap = new Bootstrap(30, { seed: 2n, resamples: 999 });
    const [there, back] = [rateDifference(bootstrap, a, b), rateDifference(bootstrap, b, a)];
    expect(back.value).toBeCloseTo(-there.value!, 12);
    expect(back.low).toBeCloseTo(-there.high!, 6);
    expect(there.low).toBeLessThan(there.value!);
    expect(there.high).toBeGreaterThan(there.value!);
    expect(rateDifference(bootstrap, a, a)).toMatchObject({ value: 0, low: null, high: null });
  });

  it('is null without samples, and refuses lists of other lengths', () => {
    const none = { hits: [0, 0], samples: [0, 0] };
    const some = { hits: [1, 0], samples: [2, 2] };
    const bootstrap = new Bootstrap(2, { resamples: 99 });
    expect(rateDifference(bootstrap, none, some)).toEqual({ value: null, low: null, high: null, method: 'none' });
    expect(() => rateDifference(bootstrap, some, { hits: [1], samples: [2] })).toThrow(RangeError);
  });
});
