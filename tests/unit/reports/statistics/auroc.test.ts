/** AUROC against scikit-learn and against all pairs; its weights, its intervals, and what pooling hides. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { auroc, aurocByProblem, aurocWithin } from '../../../../src/reports/statistics/auroc.js';
import { Bootstrap } from '../../../../src/reports/statistics/bootstrap.js';
import { PhiloxStream } from '../../../../src/reports/statistics/philox.js';
import { more } from './golden.js';

describe('the area', () => {
  it.each(more.auroc.map(({ scores, positive, value }) => ({ samples: scores.length, scores, positive, value })))(
    'of $samples samples is $value',
    ({ scores, positive, value }) => {
      expect(auroc({ scores, positive })).toBeCloseTo(value, 12);
    },
  );

  const samples = fc.array(fc.record({ score: fc.integer({ min: 0, max: 5 }), positive: fc.boolean() }, { noNullPrototype: true }), {
    maxLength: 25,
  });

  it('is the share of pairs in the right order, ties counting half', () => {
    fc.assert(
      fc.property(samples, (list) => {
        const scores = list.map(({ score }) => score);
        const positive = list.map((sample) => sample.positive);
        const pairs = list
          .filter((a) => a.positive)
          .flatMap((a) => list.filter((b) => !b.positive).map((b) => (Math.sign(a.score - b.score) + 1) / 2));
        const area = auroc({ scores, positive });
        if (pairs.length === 0) {
          expect(area).toBeNull();
          return;
        }
        expect(area).toBeCloseTo(pairs.reduce((sum, won) => sum + won, 0) / pairs.length, 12);
        expect(auroc({ scores: scores.map((score) => Math.exp(3 * score)), positive })).toBe(area);
        expect(auroc({ scores: scores.map((score) => -score), positive })).toBeCloseTo(1 - area!, 12);
      }),
    );
  });

  test.each([
    [[], [], null],
    [[1, 2], [true, true], null],
    [[1, 2], [0, 0], null],
    [[7, 7], [true, false], 0.5],
    [[1, 2], [false, true], 1],
    [[2, 1], [false, true], 0],
  ] as const)('of %j with classes %j is %j', (scores, positive, area) => {
    expect(auroc({ scores, positive })).toBe(area);
  });

  test.each([
    [[1, NaN], [true, false], /finite score, not NaN/],
    [[1, Infinity], [true, false], /finite score/],
    [[1], [true, false], /1 scores and 2 classes/],
  ] as const)('refuses %j with %j', (scores, positive, message) => {
    expect(() => auroc({ scores, positive })).toThrow(message);
  });
});

describe('the area by problem', () => {
  /** `size` problems with `each` samples: the score says how easy the problem is, and `own` adds what it says of the sample itself. */
  const drawn = (size: number, each: number, own: number, seed: bigint) => {
    const stream = new PhiloxStream(seed);
    const uniform = (): number => (stream.word() + 0.5) / 2 ** 32;
    const scores: number[] = [];
    const positive: boolean[] = [];
    const problems: number[] = [];
    for (let problem = 0; problem < size; problem++) {
      const ease = uniform();
      for (let i = 0; i < each; i++) {
        const passes = uniform() < ease;
        problems.push(problem);
        positive.push(passes);
        scores.push(ease + 0.2 * uniform() + (passes ? own : 0));
      }
    }
    return { scores, positive, problems };
  };

  it('tells what says something of the sample from what says how hard the problem is', () => {
    const bootstrap = new Bootstrap(60, { seed: 1n, resamples: 499 });
    const difficulty = aurocByProblem(bootstrap, drawn(60, 20, 0, 5n));
    expect(difficulty.pooled.low).toBeGreaterThan(0.7);
    expect(difficulty.within.low).toBeLessThan(0.5);
    expect(difficulty.within.high).toBeGreaterThan(0.5);
    const both = aurocByProblem(bootstrap, drawn(60, 20, 0.1, 5n));
    expect(both.within.low).toBeGreaterThan(0.7);
    expect(both.mixedProblems).toBeGreaterThan(40);
  });

  it('weighs each sample as often as its problem was drawn, to the bit', () => {
    const samples = fc.array(
      fc.record(
        { score: fc.integer({ min: 0, max: 9 }), positive: fc.boolean(), problem: fc.integer({ min: 0, max: 11 }) },
        { noNullPrototype: true },
      ),
      { minLength: 1, maxLength: 90, size: 'max' },
    );
    fc.assert(
      // Those without positives are of problems that win nothing.
      fc.property(samples, fc.integer({ min: 0, max: 12 }), (list, winners) => {
        const scores = list.map(({ score }) => score);
        const positive = list.map((sample) => sample.positive && sample.problem < winners);
        const problems = list.map(({ problem }) => problem);
        const bootstrap = new Bootstrap(12, { seed: 3n, resamples: 49 });
        const repeated = bootstrap.statistic((weights) => {
          const chosen = scores.flatMap((_, i) => new Array<number>(weights[problems[i]!]!).fill(i));
          return auroc({ scores: chosen.map((i) => scores[i]!), positive: chosen.map((i) => positive[i]!) });
        });
        expect(aurocByProblem(bootstrap, { scores, positive, problems }).pooled).toEqual(repeated);
      }),
    );
  });

  it('is the same without the interval over all pairs', () => {
    const samples = fc.array(
      fc.record(
        { score: fc.integer({ min: 0, max: 9 }), positive: fc.boolean(), problem: fc.integer({ min: 0, max: 11 }) },
        { noNullPrototype: true },
      ),
      { maxLength: 90, size: 'max' },
    );
    const bootstrap = new Bootstrap(12, { resamples: 49 });
    fc.assert(
      fc.property(samples, (list) => {
        const asked = {
          scores: list.map(({ score }) => score),
          positive: list.map(({ positive }) => positive),
          problems: list.map(({ problem }) => problem),
        };
        const { pooled, ...own } = aurocByProblem(bootstrap, asked);
        expect(aurocWithin(bootstrap, asked)).toEqual({ ...own, pooled: { value: pooled.value, low: null, high: null, method: 'none' } });
      }),
    );
    expect(() => aurocWithin(bootstrap, { scores: [1], positive: [true], problems: [12] })).toThrow(/from 0 to 11, not 12/);
    expect(() => aurocWithin(bootstrap, { scores: [NaN], positive: [true], problems: [0] })).toThrow(/finite score/);
  });

  it('takes the mean of the problems that have both classes', () => {
    // Areas 1 and 0.5; the third problem has no negative. Pooled, positives 2, 5, 9 meet negatives 1, 5.
    const result = aurocByProblem(new Bootstrap(4, { resamples: 199 }), {
      scores: [1, 2, 5, 5, 9],
      positive: [false, true, true, false, true],
      problems: [0, 0, 1, 1, 2],
    });
    expect(result.within.value).toBe(0.75);
    expect(result.mixedProblems).toBe(2);
    expect(result.pooled.value).toBe((1 + 1.5 + 2) / 6);
  });

  it('is null without both classes, and within problems where none has both', () => {
    const bootstrap = new Bootstrap(2, { resamples: 99 });
    const nothing = { value: null, low: null, high: null, method: 'none' };
    expect(aurocByProblem(bootstrap, { scores: [], positive: [], problems: [] })).toEqual({
      pooled: nothing,
      within: nothing,
      mixedProblems: 0,
      byProblem: new Array<null>(bootstrap.size).fill(null),
    });
    const apart = aurocByProblem(bootstrap, { scores: [1, 2], positive: [false, true], problems: [0, 1] });
    expect(apart.pooled).toEqual({ value: 1, low: null, high: null, method: 'none' });
    expect(apart.within).toEqual(nothing);
  });

  test.each([
    [[0], /2 scores and 1 numbers/],
    [[0, 2], /from 0 to 1, not 2/],
    [[0, -1], /not -1/],
    [[0, 0.5], /not 0.5/],
  ])('refuses problems %j', (problems, message) => {
    expect(() => aurocByProblem(new Bootstrap(2, { resamples: 9 }), { scores: [1, 2], positive: [0, 1], problems })).toThrow(message);
  });

  it('covers the truth about as often as it says', () => {
    // Passing has nothing to do with the score, neither by problem nor by sample: the truth is 0.5.
    const stream = new PhiloxStream(23n);
    const bootstrap = new Bootstrap(40, { seed: 8n, resamples: 499 });
    const problems = Array.from({ length: 200 }, (_, i) => i % 40);
    let covered = 0;
    const trials = 200;
    for (let trial = 0; trial < trials; trial++) {
      const ease = Array.from({ length: 40 }, () => stream.below(100));
      const level = Array.from({ length: 40 }, () => stream.below(50));
      const positive = problems.map((problem) => stream.below(100) < ease[problem]!);
      const scores = problems.map((problem) => level[problem]! + stream.below(50));
      const { low, high } = aurocByProblem(bootstrap, { scores, positive, problems }).pooled;
      if (low! <= 0.5 && high! >= 0.5) covered++;
    }
    // 95 % of 200 is 190, three standard deviations are 9; BCa undercovers a little at 40 clusters. The seed is fixed.
    expect(covered).toBeGreaterThanOrEqual(178);
    expect(covered).toBeLessThanOrEqual(199);
  });
});
