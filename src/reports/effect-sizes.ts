/**
 * How large a difference between experiments is, beside the differences of their rates: whether their failures are of other kinds, and how far
 * apart two experiments' problems' pass rates lie. Pure; `difference.ts` and `analysis/by-setting.ts` count what goes in.
 */
import { aurocByProblem } from './statistics/auroc.js';
import type { Bootstrap, Estimate } from './statistics/bootstrap.js';
import { chiSquareTest, pearsonStatistic } from './statistics/chi-square.js';
import { cliffsDelta } from './statistics/cliffs-delta.js';
import { permutationSteps, swapTest, type SwapOptions } from './statistics/problem-swaps.js';
import { quantile } from './statistics/quantile.js';
import type { Steps } from './steps.js';
import { sum } from './statistics/sum.js';

/** Failures of one experiment: [problem][category]. */
export type FailureCounts = readonly (readonly number[])[];

export interface KindsOptions extends SwapOptions {
  /** Counted samples, [experiment][problem]; by default experiments have as many of each problem. */
  readonly samples?: readonly (readonly number[])[];
}

/** Whether experiments' failures fall in other categories, however many there are of them. */
export interface KindsTest {
  /** Pearson's, of the table of counts, a row for each experiment. */
  readonly chiSquare: number;
  /** 0 where there is nothing to compare: fewer than two experiments with failures, or one category. Then the two below are null. */
  readonly degrees: number;
  /**
   * By swapping two experiments within problems, or permuting several: the chi-square distribution takes failures for independent, and those of
   * one problem are not. Where experiments have unequal numbers of samples of a problem, as greedy decoding has beside others, each problem
   * counts by shares of its samples: by counts an arrangement would differ by which problems a row has most of, and p be near 1 whatever the failures are. With
   * one sample beside twelve p is at most 0.05 in 4 to 6 % of cases where nothing differs from 80 problems on, and in 9 to 10 % with three experiments or more
   * of 20 problems. On its own: not among the tests that are adjusted.
   */
  readonly p: number | null;
  /** Cramér's V with Bergsma's correction, which knows of independent counts alone, and its interval by bootstrap over problems. */
  readonly cramersV: { readonly value: number | null; readonly low: number | null; readonly high: number | null };
}

/** Categories of failures by experiment, of two. */
export interface FailureKinds extends KindsTest {
  /** Null for failures without a category. */
  readonly categories: readonly { readonly code: string | null; readonly first: number; readonly second: number }[];
}

/** Of any number of experiments. */
export interface FailureKindsOfAll extends KindsTest {
  /** Null for failures without a category; counts in the order of the experiments. */
  readonly categories: readonly { readonly code: string | null; readonly counts: readonly number[] }[];
}

/**
 * Whether failures fall in other categories in one experiment than in the other; in steps.
 * @param first, second of the problems of `bootstrap`, in its order, and of the categories `codes`
 */
export function* failureKinds(
  bootstrap: Bootstrap,
  codes: readonly (string | null)[],
  first: FailureCounts,
  second: FailureCounts,
  options: KindsOptions,
): Steps<FailureKinds> {
  const { categories, ...test } = yield* failureKindsOfAll(bootstrap, codes, [first, second], options);
  return { categories: categories.map(({ code, counts }) => ({ code, first: counts[0]!, second: counts[1]! })), ...test };
}

/**
 * The same of several experiments, as one table; of two it says what `failureKinds` does.
 * @param experiments each as `first` there
 */
export function* failureKindsOfAll(
  bootstrap: Bootstrap,
  codes: readonly (string | null)[],
  experiments: readonly FailureCounts[],
  options: KindsOptions,
): Steps<FailureKindsOfAll> {
  const { size } = bootstrap;
  const [methods, width] = [experiments.length, codes.length];
  const counted = new Cells(experiments, width, size);
  const { samples } = options;
  const isUneven = samples?.some((own) => own.some((count, problem) => count !== samples[0]![problem])) === true;
  // Shares of a problem's samples, and behind them, as one category more, what chance adds to the variance of their sum.
  const shares = !isUneven
    ? null
    : new Cells(
        experiments.map((counts, method) =>
          counts.map((own, problem) => {
            const of = samples[method]![problem]!;
            return [...own.map((count) => count / of), sum(own) / of ** 2];
          }),
        ),
        width + 1,
        size,
      );
  const once = (): number => 1;
  const asTheyAre = Uint8Array.from({ length: size * methods }, (_, at) => at % methods);
  const asCounted = counted.table(once, asTheyAre);
  const test = chiSquareTest(asCounted);
  // Copied, as the table's rows are used again.
  const rows = codes.map((_, i) => asCounted.map((row) => row[i]!));
  const differing = Array.from({ length: size }, (_, problem) => problem).filter((problem) => (shares ?? counted).differ(problem));
  const statistic = (owners: Uint8Array): number =>
    pearsonStatistic(shares === null ? counted.table(once, owners) : shares.table(once, owners).map(effectiveCounts));
  const swappedTest = (): number => {
    const owners = new Uint8Array(size * 2);
    return swapTest(
      size,
      differing,
      (swapped) => {
        for (let problem = 0; problem < size; problem++) {
          owners[2 * problem] = swapped[problem]!;
          owners[2 * problem + 1] = 1 - swapped[problem]!;
        }
        return statistic(owners);
      },
      options,
    );
  };
  let p: number | null = null;
  if (test.degrees > 0) p = methods === 2 ? swappedTest() : yield* permutationSteps(size, methods, differing, statistic, options);
  yield;
  const squares = yield* bootstrap.statisticReplicates((weights) => {
    const v = chiSquareTest(counted.table((problem) => weights[problem]!, asTheyAre)).cramersVCorrected;
    return v === null ? null : v ** 2;
  });
  return {
    categories: codes.map((code, i) => ({ code, counts: rows[i]! })),
    chiSquare: test.statistic,
    degrees: test.degrees,
    p,
    cramersV: sizeWithInterval(test.cramersVCorrected, squares, bootstrap.confidence),
  };
}

/** Numbers of each problem, experiment and category, for tables in which experiments may have changed places within problems. */
class Cells {
  readonly #size: number;
  readonly #methods: number;
  readonly #width: number;
  /** [problem][experiment][category]. */
  readonly #cells: Float64Array;
  readonly #rows: readonly Float64Array[];

  /** @param experiments [experiment][problem][category] */
  constructor(experiments: readonly FailureCounts[], width: number, size: number) {
    this.#size = size;
    this.#methods = experiments.length;
    this.#width = width;
    this.#cells = new Float64Array(size * this.#methods * width);
    experiments.forEach((problems, method) => {
      problems.forEach((own, problem) => {
        this.#cells.set(own, (problem * this.#methods + method) * width);
      });
    });
    this.#rows = experiments.map(() => new Float64Array(width));
  }

  /** Whether a problem's experiments have other numbers than each other. */
  differ(problem: number): boolean {
    const at = problem * this.#methods * this.#width;
    for (let i = this.#width; i < this.#methods * this.#width; i++)
      if (this.#cells[at + i] !== this.#cells[at + (i % this.#width)]) return true;
    return false;
  }

  /**
   * The sums over problems, each `times`, in which row `m` has those of the experiment `owners[problem * experiments + m]`. The rows are used again by
   * the next call.
   */
  table(times: (problem: number) => number, owners: Uint8Array): readonly Float64Array[] {
    const [methods, width, cells] = [this.#methods, this.#width, this.#cells];
    for (const row of this.#rows) row.fill(0);
    for (let problem = 0, at = 0; problem < this.#size; problem++, at += methods) {
      const weight = times(problem);
      if (weight === 0) continue;
      for (let m = 0; m < methods; m++) {
        const row = this.#rows[m]!;
        const from = (at + owners[at + m]!) * width;
        for (let i = 0; i < width; i++) row[i]! += weight * cells[from + i]!;
      }
    }
    return this.#rows;
  }
}

/**
 * A row of shares, with the variance that chance adds to their sum behind them, as so many counts as have that variance: Kish's effective size (L. Kish,
 * "Survey sampling" (1965), section 11.7). Where all problems have as many samples these are the counts themselves. Rows are then as uncertain as the test takes them
 * for, in every arrangement; shares alone would not do, as one row of few samples holds all of the chance that arrangements spread over all rows.
 */
function effectiveCounts(row: Float64Array): Float64Array {
  const [shares, variance] = [row.slice(0, -1), row.at(-1)!];
  const scale = variance === 0 ? 0 : sum(shares) / variance;
  return shares.map((share) => share * scale);
}

/**
 * Percentiles of the resamples' squares, less what resampling itself adds to them on the average (Efron and Tibshirani 1993, section 10.2): problems
 * that are drawn twice make any table look less even, so that most resamples lie above the value, and percentiles as they stand would leave it out.
 * @param squares of V in the resamples, ascending
 */
function sizeWithInterval(value: number | null, squares: Float64Array, confidence: number): KindsTest['cramersV'] {
  if (value === null || squares.length === 0 || squares[0] === squares.at(-1)) return { value, low: null, high: null };
  // Where resampling adds nothing, as where one problem makes the table, there is nothing to take off.
  const bias = Math.max(0, squares.reduce((sum, square) => sum + square, 0) / squares.length - value ** 2);
  const end = (share: number): number => Math.sqrt(Math.min(1, Math.max(0, quantile(squares, share) - bias)));
  return { value, low: end((1 - confidence) / 2), high: end((1 + confidence) / 2) };
}

/**
 * Cliff's delta of the problems' rates, second against first, with its BCa interval over problems: the chance that a problem of the second has a
 * higher rate than one of the first, less the chance of a lower one. It looks at all pairs of problems, so that how hard they are does not cancel out.
 */
export function rateDominance(bootstrap: Bootstrap, first: readonly number[], second: readonly number[]): Estimate {
  const problems = [...first.keys(), ...second.keys()];
  const positive = [...first.map(() => false), ...second.map(() => true)];
  const { value: area, low, high, method } = aurocByProblem(bootstrap, { scores: [...first, ...second], positive, problems }).pooled;
  const delta = (of: number | null): number | null => (of === null ? null : 2 * of - 1);
  return { value: area === null ? null : cliffsDelta(second, first), low: delta(low), high: delta(high), method };
}
