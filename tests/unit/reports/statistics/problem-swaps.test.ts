/** Tests by swapping methods within problems: by hand, against SciPy, how often they find what is not there, and what the interval beside them does. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bootstrap } from '../../../../src/reports/statistics/bootstrap.js';
import { rateDifference, type ProblemCounts } from '../../../../src/reports/statistics/paired-bootstrap.js';
import { PhiloxStream } from '../../../../src/reports/statistics/philox.js';
import { EXACT_PROBLEMS, permutationTest, rateSwapTest, swapTest } from '../../../../src/reports/statistics/problem-swaps.js';
import { swaps } from './golden.js';

const README = readFileSync(new URL('../../../../src/reports/statistics/README.md', import.meta.url), 'utf8');

const of = (hits: readonly number[], samples = 10): ProblemCounts => ({ hits, samples: hits.map(() => samples) });

/** Two methods that are alike: each passes every sample of a problem with the problem's own probability. */
function alike(stream: PhiloxStream, problems: number, samples: number): [ProblemCounts, ProblemCounts] {
  const shares = Array.from({ length: problems }, () => stream.below(101));
  const hits = (): number[] =>
    shares.map((share) => {
      let count = 0;
      for (let i = 0; i < samples; i++) if (stream.below(100) < share) count++;
      return count;
    });
  return [of(hits(), samples), of(hits(), samples)];
}

describe('a difference of rates, by swaps', () => {
  it('is what can be counted by hand', () => {
    // One problem says nothing: the two arrangements are as far apart as each other.
    expect(rateSwapTest(of([0], 3), of([3], 3))).toBe(1);
    // Of the differences 1, 2, 3 all have one sign: 2 of 8. With 3 turned round the sum is 0, and every arrangement is as far from it.
    expect(rateSwapTest(of([1, 2, 3]), of([0, 0, 0]))).toBe(2 / 8);
    expect(rateSwapTest(of([1, 2, 0]), of([0, 0, 3]))).toBe(1);
    // 1, 2 and 4 have eight different sums; |1 + 4 - 2| = 3 is reached by 1 - 2 + 4, 1 + 2 + 4, -1 + 2 + 4... = 3, 7, 5, and their mirror images.
    expect(rateSwapTest(of([1, 0, 4]), of([0, 2, 0]))).toBe(6 / 8);
    // Problems without a difference change nothing.
    expect(rateSwapTest(of([1, 2, 3, 7, 7]), of([0, 0, 0, 7, 7]))).toBe(2 / 8);
    expect(rateSwapTest(of([4, 5]), of([4, 5]))).toBe(1);
  });

  it.each(swaps.rates)('is what SciPy counts: $p', ({ first, second, p }) => {
    expect(rateSwapTest(first, second)).toBeCloseTo(p, 12);
    expect(rateSwapTest(second, first)).toBeCloseTo(p, 12);
  });

  it.each(swaps.sampled)('is what SciPy samples, within what 9,999 draws vary: $p', ({ first, second, p }) => {
    // Four standard errors of a share of 9,999, and the place of the data themselves.
    const slack = 4 * Math.sqrt((p * (1 - p)) / 9_999) + 1e-4;
    expect(Math.abs(rateSwapTest(first, second)! - p)).toBeLessThan(slack);
  });

  it('is never below two arrangements of all, and the same for the same seed', () => {
    for (let n = 1; n <= 20; n++) {
      const [none, all] = [of(new Array<number>(n).fill(0)), of(new Array<number>(n).fill(10))];
      const p = rateSwapTest(all, none, { draws: 499 })!;
      expect(p).toBeGreaterThanOrEqual(2 ** (1 - n));
      if (n <= EXACT_PROBLEMS) expect(p).toBe(2 ** (1 - n));
      else expect(p).toBe(1 / 500);
      expect(rateSwapTest(all, none, { draws: 499 })).toBe(p);
    }
    expect(rateSwapTest(of(new Array<number>(16).fill(1)), of(new Array<number>(16).fill(0)), { draws: 99_999 })).toBeGreaterThanOrEqual(
      2 ** -15,
    );
  });

  it('is null without samples of one side, and refuses lists of other lengths', () => {
    expect(rateSwapTest({ hits: [0], samples: [0] }, of([1]))).toBeNull();
    expect(rateSwapTest({ hits: [], samples: [] }, { hits: [], samples: [] })).toBeNull();
    expect(() => rateSwapTest(of([1, 2]), of([1]))).toThrow(RangeError);
  });

  it('does not depend on the order of problems and methods where all arrangements are counted', () => {
    const count = fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }));
    fc.assert(
      fc.property(fc.array(count, { minLength: 1, maxLength: 9 }), (pairs) => {
        const [a, b] = [of(pairs.map(([x]) => x), 6), of(pairs.map(([, y]) => y), 6)]; // prettier-ignore
        const turned = pairs.toReversed();
        const p = rateSwapTest(a, b)!;
        expect(rateSwapTest(b, a)).toBe(p);
        expect(rateSwapTest(of(turned.map(([x]) => x), 6), of(turned.map(([, y]) => y), 6))).toBeCloseTo(p, 12); // prettier-ignore
        expect(p).toBeGreaterThanOrEqual(2 ** (1 - pairs.length));
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });

  it.each([5, 6, 8, 10, 12, 15, 16, 20])(
    'of %d problems finds a difference at most as often as it says where there is none',
    (problems) => {
      const stream = new PhiloxStream(BigInt(problems));
      const trials = 400;
      let found = 0;
      for (let trial = 0; trial < trials; trial++) {
        const p = rateSwapTest(...alike(stream, problems, 40), { draws: 499, seed: BigInt(trial) })!;
        if (p <= 0.05) found++;
      }
      // 5 % are 20, and three standard deviations of that count 13.
      expect(found).toBeLessThanOrEqual(33);
      // It is no test that finds nothing: from six problems on it can be below 0.05.
      if (problems >= 6) expect(found).toBeGreaterThan(0);
      else expect(found).toBe(0);
    },
  );
});

describe('a difference of rates, with unequal numbers of samples', () => {
  it('has a p-value of all problems that differ, however many samples they have', () => {
    // Six problems favour the first: two of 2^6 arrangements.
    const ones = of(new Array<number>(6).fill(1), 1);
    expect(rateSwapTest(ones, of([8, 8, 8, 0, 0, 0]))).toBe(2 / 64);
    // Twenty pass always, twelve never, eight the first alone.
    const forty = (pass: number, differ: number): number[] => [...new Array<number>(20).fill(pass), ...new Array<number>(12).fill(0), ...new Array<number>(8).fill(differ)]; // prettier-ignore
    expect(rateSwapTest(of(forty(1, 1), 1), of(forty(10, 0)))).toBe(2 ** -7);
    expect(rateSwapTest(of(forty(10, 0)), of(forty(1, 1), 1))).toBe(2 ** -7);
  });

  it.each(swaps.uneven)('is what SciPy counts: the larger of $p and $by_lot', ({ first, second, p, by_lot }) => {
    expect(rateSwapTest(first, second)).toBeCloseTo(Math.max(p, by_lot), 11);
    expect(rateSwapTest(second, first)).toBeCloseTo(Math.max(p, by_lot), 11);
  });

  it('is the same for what is not counted, as for what is', () => {
    const [a, b] = [of([1, 0, 2, 3, 1, 1], 3), { hits: [9, 1, 4, 5, 9, 0], samples: [10, 9, 5, 12, 10, 3] }];
    const rest = ({ hits, samples }: ProblemCounts): ProblemCounts => ({ samples, hits: Array.from(hits, (hit, i) => samples[i]! - hit) });
    expect(rateSwapTest(rest(a), rest(b))).toBeCloseTo(rateSwapTest(a, b)!, 12);
  });

  it('tells which problems a side has most of from nothing else', () => {
    // Both pass what is easy and nothing else: 91 % and 9 % are how often each was asked what is easy.
    const [easy, hard] = [new Array<number>(10).fill(10), new Array<number>(10).fill(1)];
    const none = new Array<number>(10).fill(0);
    expect(rateSwapTest({ hits: [...easy, ...none], samples: [...easy, ...hard] }, { hits: [...hard, ...none], samples: [...hard, ...easy] })).toBe(1); // prettier-ignore
  });

  /** Hits of each of the problems, which have the chances, of that many samples. */
  const drawn = (stream: PhiloxStream, chances: readonly number[], samples: number): ProblemCounts =>
    of(
      chances.map((chance) => {
        let count = 0;
        for (let i = 0; i < samples; i++) if (stream.below(1_000) < chance * 1_000) count++;
        return count;
      }),
      samples,
    );
  const TRIALS = 400;
  /** In so many trials p is at most 0.05, by the flips alone and by the whole test, with one sample beside so many; the one has `more` chance to pass. */
  function found(problems: number, samples: number, chance: () => number, more = 0): { flips: number; whole: number } {
    const stream = new PhiloxStream(BigInt(1_000 * problems + samples));
    const counts = { flips: 0, whole: 0 };
    for (let trial = 0; trial < TRIALS; trial++) {
      const chances = Array.from({ length: problems }, chance);
      const one = drawn(stream, chances.map((each) => each + more), 1); // prettier-ignore
      const many = drawn(stream, chances, samples);
      const options = { draws: 199, seed: BigInt(trial) };
      // With as many samples of each, all alike, the rates and their flips are the same, and nothing else is asked.
      const copies = of(Array.from(one.hits, (hit) => hit * samples), samples); // prettier-ignore
      if (rateSwapTest(copies, many, options)! <= 0.05) counts.flips++;
      if (rateSwapTest(one, many, options)! <= 0.05) counts.whole++;
    }
    return counts;
  }
  const evenly = (): (() => number) => {
    const stream = new PhiloxStream(77n);
    return () => stream.below(101) / 100;
  };

  it.each([
    [20, 12, '2 %'],
    [20, 100, '2 %'],
    [80, 12, '2 %'],
    [80, 100, '2 %'],
    [20, 12, 'even'],
    [20, 100, 'even'],
    [80, 12, 'even'],
    [80, 100, 'even'],
  ] as const)('of %d problems and %d samples beside one is found where there is none as often as the README says, chance %s', (problems, samples, chance) => {
    const { flips, whole } = found(problems, samples, chance === 'even' ? evenly() : () => 0.02);
    const percent = (count: number): string => `${((100 * count) / TRIALS).toFixed(1)} %`;
    const row = `| ${problems} | ${samples} | ${chance} | ${percent(flips)} | ${percent(whole)} |`;
    expect(README.split('\n').find((line) => line.startsWith(`| ${problems} | ${samples} | ${chance} |`))).toBe(row);
    // 5 % are 20, and three standard deviations of that count 13.
    expect(whole).toBeLessThanOrEqual(33);
  }); // prettier-ignore

  it('over distinct programs of equal numbers of samples is found at most as often as it says where there is none', () => {
    const stream = new PhiloxStream(31n);
    /** Distinct programs of twenty samples, and how many of these pass, of problems that are each solved by programs of one rank; small ranks are drawn most often. */
    const side = (solved: readonly number[], spread: readonly number[]): ProblemCounts => {
      const programs = solved.map((_, i) => new Set(Array.from({ length: 20 }, () => Math.floor((stream.below(spread[i]!) * stream.below(1_000)) / 1_000)))); // prettier-ignore
      return {
        hits: programs.map((own, i) => [...own].filter((rank) => rank % solved[i]! === 0).length),
        samples: programs.map((own) => own.size),
      };
    };
    let [count, uneven] = [0, 0];
    for (let trial = 0; trial < TRIALS; trial++) {
      const solved = Array.from({ length: 20 }, () => 2 + stream.below(12));
      const spread = solved.map(() => 2 + stream.below(60));
      const [a, b] = [side(solved, spread), side(solved, spread)];
      if (Array.from(a.samples).some((own, i) => own !== b.samples[i])) uneven++;
      if (rateSwapTest(a, b, { draws: 199, seed: BigInt(trial) })! <= 0.05) count++;
    }
    expect(uneven).toBe(TRIALS);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(33);
  });

  it.each([12, 100])('is found where there is one, with one sample beside %d', (samples) => {
    const { whole } = found(40, samples, () => 0.3, 0.4);
    expect(whole).toBeGreaterThan(0.9 * TRIALS);
  });
});

describe('the interval beside it', () => {
  // Two methods that are alike, ten samples of each problem: how often the 95 % interval leaves 0 out, in 2,000 seeded trials.
  it.each([5, 6, 10, 20, 40])('of %d problems is too narrow by what the README says', (problems) => {
    const stream = new PhiloxStream(17n);
    const bootstrap = new Bootstrap(problems, { seed: 9n, resamples: 999 });
    const trials = 2_000;
    let missed = 0;
    let found = 0;
    for (let trial = 0; trial < trials; trial++) {
      const [a, b] = alike(stream, problems, 10);
      const { low, high } = rateDifference(bootstrap, a, b);
      if (low !== null && high !== null && (low > 0 || high < 0)) missed++;
      if (rateSwapTest(a, b, { draws: 199 })! <= 0.05) found++;
    }
    const percent = (count: number): string => `${((100 * count) / trials).toFixed(1)} %`;
    const row = README.split('\n').find((line) => line.startsWith(`| ${problems} | `));
    expect(row).toBe(`| ${problems} | ${percent(missed)} | ${percent(found)} |`);
  });
});

describe('any statistic, by swaps', () => {
  it('counts arrangements that are as extreme, each with its mirror image', () => {
    const seen: string[] = [];
    // The number of problems on the smaller side: 0 in the data.
    const p = swapTest(4, [0, 2, 3], (swapped) => {
      seen.push([...swapped].join(''));
      const count = swapped[0]! + swapped[2]! + swapped[3]!;
      return -Math.min(count, 3 - count);
    });
    expect(p).toBe(1 / 4);
    expect(new Set(seen)).toEqual(new Set(['0000', '0010', '0001', '0011']));
  });
});

describe('any statistic of several methods, by permutations', () => {
  /** How far apart the methods' sums are; `values` are [problem][method]. */
  const range =
    (values: readonly (readonly number[])[]) =>
    (owners: Uint8Array): number => {
      const methods = values[0]!.length;
      const sums = values[0]!.map((_, m) => values.reduce((sum, own, problem) => sum + own[owners[problem * methods + m]!]!, 0));
      return Math.max(...sums) - Math.min(...sums);
    };

  it('is what can be counted by hand, within what 9,999 draws vary', () => {
    // Of the six ways in which the second problem's order can lie to the first's one alone puts 0 to 0 and 2 to 2.
    const p = permutationTest(2, 3, [0, 1], range([[0, 1, 2], [0, 1, 2]])); // prettier-ignore
    expect(Math.abs(p - 1 / 6)).toBeLessThan(4 * Math.sqrt(5 / 36 / 9_999) + 1e-4);
    // One problem says nothing, however far apart its methods are.
    expect(permutationTest(3, 3, [1], range([[1, 1, 1], [0, 5, 9], [2, 2, 2]]))).toBe(1); // prettier-ignore
    expect(permutationTest(2, 4, [], range([[1, 1, 1, 1], [2, 2, 2, 2]]))).toBe(1); // prettier-ignore
  });

  it('is never below one arrangement of all, and the same for the same seed', () => {
    const far = range(Array.from({ length: 9 }, () => [0, 1, 9]));
    const nine = [...Array(9).keys()];
    expect(permutationTest(9, 3, nine, far, { draws: 999, seed: 4n })).toBe(1 / 1000);
    expect(permutationTest(9, 3, nine, far, { draws: 99, seed: 4n })).toBe(permutationTest(9, 3, nine, far, { draws: 99, seed: 4n }));
    for (const problems of [2, 3]) {
      const p = permutationTest(problems, 3, nine.slice(0, problems), range(Array.from({ length: problems }, () => [0, 1, 9])), { draws: 49 }); // prettier-ignore
      expect(p).toBeGreaterThanOrEqual(6 ** (1 - problems));
    }
  });
});
