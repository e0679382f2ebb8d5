/** Categories of failures by experiment: against SciPy, by hand, and how often they find what is not there. */
import { describe, expect, it } from 'vitest';
import { failureKinds, failureKindsOfAll, type FailureKinds, type FailureKindsOfAll } from '../../../src/reports/failure-kinds.js';
import { Bootstrap } from '../../../src/reports/statistics/bootstrap.js';
import { chiSquareTest } from '../../../src/reports/statistics/chi-square.js';
import { PhiloxStream } from '../../../src/reports/statistics/philox.js';
import { finish } from '../../../src/reports/steps.js';
import { swaps } from './statistics/golden.js';

const CODES = ['2.1', '4.1', '8.7', null];
const compare = (first: number[][], second: number[][], draws = 499): FailureKinds =>
  finish(failureKinds(new Bootstrap(first.length, { resamples: 199 }), CODES.slice(0, first[0]!.length), first, second, { draws }));

describe('categories by experiment', () => {
  it.each(swaps.chi_square)('have the p-value that SciPy counts: $p', ({ first, second, p }) => {
    const kinds = compare(first, second);
    expect(kinds.p).toBeCloseTo(p, 12);
    expect(compare(second, first).p).toBeCloseTo(p, 12);
    const sums = [first, second].map((rows) => rows.reduce((sum, row) => sum.map((count, i) => count + row[i]!)));
    const { statistic, degrees, cramersVCorrected } = chiSquareTest(sums);
    expect([kinds.degrees, kinds.cramersV.value]).toEqual([degrees, cramersVCorrected]);
    expect(kinds.chiSquare).toBeCloseTo(statistic, 12);
    expect(kinds.categories.map((each) => [each.first, each.second])).toEqual(sums[0]!.map((count, i) => [count, sums[1]![i]]));
  });

  it('do not differ for having more failures of the same kinds', () => {
    const first = Array.from({ length: 6 }, () => [1, 2, 1]);
    const kinds = compare(
      first,
      first.map((row) => row.map((count) => 3 * count)),
    );
    expect(kinds).toMatchObject({ chiSquare: 0, degrees: 2, p: 1, cramersV: { value: 0 } });
  });

  it('that are others in one problem alone show nothing, however many samples it has', () => {
    const first = [[50, 0], [2, 2], [1, 3]]; // prettier-ignore
    const second = [[0, 50], [2, 2], [1, 3]]; // prettier-ignore
    const kinds = compare(first, second);
    // By the chi-square distribution this is 10^-17: one problem's failures are no hundred independent ones.
    expect(chiSquareTest([[53, 5], [3, 55]]).p).toBeLessThan(1e-15); // prettier-ignore
    expect(kinds.p).toBe(1);
    expect(kinds.cramersV.value).toBeGreaterThan(0.8);
    expect(kinds.cramersV.low).toBeLessThan(0.1);
  });

  it('are not compared where a side has no failures, or all have one category', () => {
    for (const [first, second] of [
      [[[0, 0]], [[3, 1]]],
      [[[4, 0]], [[2, 0]]],
      [[], []],
    ] as [number[][], number[][]][]) {
      const kinds = finish(failureKinds(new Bootstrap(first.length, { resamples: 9 }), CODES.slice(0, 2), first, second, {}));
      expect(kinds).toMatchObject({ chiSquare: 0, degrees: 0, p: null, cramersV: { value: null, low: null, high: null } });
    }
  });

  it.each([6, 10, 20])('of %d problems differ at most as often as p says where they do not', (problems) => {
    const stream = new PhiloxStream(BigInt(problems));
    const trials = 300;
    let found = 0;
    for (let trial = 0; trial < trials; trial++) {
      // Each problem has a category of its own that most of its failures fall in, whoever makes them.
      const favourites = Array.from({ length: problems }, () => stream.below(3));
      const side = (): number[][] =>
        favourites.map((favourite) => {
          const row = [0, 0, 0];
          for (let i = 0; i < 12; i++) row[stream.below(4) > 0 ? favourite : stream.below(3)]!++;
          return row;
        });
      const kinds = finish(failureKinds(new Bootstrap(problems, { resamples: 1 }), CODES.slice(0, 3), side(), side(), { draws: 199 }));
      if (kinds.p! <= 0.05) found++;
    }
    // 5 % are 15, and three standard deviations of that count 11.
    expect(found).toBeLessThanOrEqual(26);
    expect(found).toBeGreaterThan(0);
  });

  it('have a size whose interval holds the true one about as often as it says', () => {
    const stream = new PhiloxStream(287n);
    const favourite = (): number => stream.below(3);
    // Of the failures beside a problem's own kind the second experiment puts half more into the third category.
    const kind = (own: number, isSecond: boolean): number =>
      stream.below(4) > 0 ? own : isSecond && stream.below(2) === 0 ? 2 : stream.below(3);
    const all = [[0, 0, 0], [0, 0, 0]]; // prettier-ignore
    for (let i = 0; i < 200_000; i++) for (const side of [0, 1]) all[side]![kind(favourite(), side === 1)]!++;
    const truth = chiSquareTest(all).cramersVCorrected!;
    const problems = 40;
    const bootstrap = new Bootstrap(problems, { resamples: 299 });
    const trials = 200;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const own = Array.from({ length: problems }, favourite);
      const side = (isSecond: boolean): number[][] =>
        own.map((each) => {
          const row = [0, 0, 0];
          for (let i = 0; i < 12; i++) row[kind(each, isSecond)]!++;
          return row;
        });
      const { value, low, high } = finish(failureKinds(bootstrap, CODES.slice(0, 3), side(false), side(true), { draws: 1 })).cramersV;
      expect(low).toBeLessThanOrEqual(value!);
      expect(high).toBeGreaterThanOrEqual(value!);
      if (low! <= truth && truth <= high!) held++;
    }
    expect(truth).toBeGreaterThan(0.07);
    // 95 % are 190, three standard deviations of that count 9; of 40 problems percentiles are a little too narrow.
    expect(held).toBeGreaterThanOrEqual(172);
    expect(held).toBeLessThan(trials);
  });
});

describe('categories by several experiments', () => {
  const CATEGORY_COUNT = 3;

  /** One experiment's failures of problems whose own kind most of them are; `turned` puts that many in ten into the third category instead. */
  function drawn(stream: PhiloxStream, favourites: readonly number[], count: number, turned = 0): number[][] {
    return favourites.map((favourite) => {
      const row = new Array<number>(CATEGORY_COUNT).fill(0);
      for (let i = 0; i < count; i++) {
        const kind = stream.below(4) > 0 ? favourite : stream.below(CATEGORY_COUNT);
        row[stream.below(10) < turned ? 2 : kind]!++;
      }
      return row;
    });
  }

  /** In so many of `trials` p is at most 0.05, with the numbers of samples told to the test or not. */
  function found(problems: number, counts: readonly number[], { turned = 0, isTold = true } = {}): { found: number; trials: number } {
    const stream = new PhiloxStream(BigInt(problems * 100 + counts.length));
    const [trials, bootstrap] = [100, new Bootstrap(problems, { resamples: 1 })];
    let small = 0;
    for (let trial = 0; trial < trials; trial++) {
      const favourites = Array.from({ length: problems }, () => stream.below(CATEGORY_COUNT));
      const experiments = counts.map((count, i) => drawn(stream, favourites, count, i === counts.length - 1 ? turned : 0));
      const samples = counts.map((count) => favourites.map(() => count));
      const options = { draws: 199, seed: BigInt(trial), ...(isTold ? { samples } : {}) };
      if (finish(failureKindsOfAll(bootstrap, CODES.slice(0, CATEGORY_COUNT), experiments, options)).p! <= 0.05) small++;
    }
    return { found: small, trials };
  }

  // Greedy decoding has one sample of a problem: beside it, 20 problems are too few for three, and 80 are not.
  it.each<[number, number[]]>([
    [20, [12, 12, 12]],
    [40, [1, 12]],
    [80, [1, 12, 12]],
  ])('of %d problems with %j samples differ at most as often as p says where they do not', (problems, counts) => {
    const { found: count, trials } = found(problems, counts);
    // Three standard deviations above 5 %.
    expect(count).toBeLessThanOrEqual(0.05 * trials + 3 * Math.sqrt(0.05 * 0.95 * trials));
    expect(count).toBeGreaterThan(0);
  });

  it('are told apart where they differ, also beside one with fewer samples of each problem', () => {
    expect(found(20, [12, 12, 12], { turned: 3 }).found).toBeGreaterThan(75);
    const told = found(20, [1, 12, 12], { turned: 3 }).found;
    expect(told).toBeGreaterThan(75);
    // By counts, what an arrangement does to rows of unequal problems hides all of it.
    expect(found(20, [1, 12, 12], { turned: 3, isTold: false }).found).toBeLessThan(told / 2);
  });

  it('have the counts of every experiment, and nothing to say without two that fail', () => {
    const one = [[1, 0], [2, 1]]; // prettier-ignore
    const none = [[0, 0], [0, 0]]; // prettier-ignore
    const of = (...experiments: number[][][]): FailureKindsOfAll =>
      finish(failureKindsOfAll(new Bootstrap(2, { resamples: 9 }), CODES.slice(0, 2), experiments, { draws: 9 }));
    expect(of(one, none, one)).toMatchObject({
      categories: [{ code: '2.1', counts: [3, 0, 3] }, { code: '4.1', counts: [1, 0, 1] }],
      degrees: 1,
      chiSquare: 0,
    }); // prettier-ignore
    expect(of(none, one, none)).toMatchObject({ degrees: 0, p: null, cramersV: { value: null, low: null, high: null } });
  });

  it('leave somebody else a turn within the interval, however many resamples it has', () => {
    const stepsOf = (resamples: number): number => {
      const experiments = [[[1, 0]], [[0, 1]], [[1, 1]]];
      let steps = 0;
      finish(failureKindsOfAll(new Bootstrap(1, { resamples }), CODES.slice(0, 2), experiments, { draws: 1 }), () => steps++);
      return steps;
    };
    expect(stepsOf(9_999) - stepsOf(199)).toBeGreaterThanOrEqual(40);
  });
});
