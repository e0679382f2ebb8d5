/**
 * How large a difference between two experiments is, beside the differences of their rates: whether their failures are of other kinds, and how far
 * apart their problems' pass rates lie. Pure; `difference.ts` counts what goes in.
 */
import { aurocByProblem } from './statistics/auroc.js';
import type { Bootstrap, Estimate } from './statistics/bootstrap.js';
import { chiSquareTest } from './statistics/chi-square.js';
import { cliffsDelta } from './statistics/cliffs-delta.js';
import { swapTest, type SwapOptions } from './statistics/problem-swaps.js';
import { quantile } from './statistics/quantile.js';

/** Failures of one experiment: [problem][category]. */
export type FailureCounts = readonly (readonly number[])[];

/** Categories of failures by experiment. */
export interface FailureKinds {
  /** Null for failures without a category. */
  readonly categories: readonly { readonly code: string | null; readonly first: number; readonly second: number }[];
  /** Pearson's, of the two rows of counts. */
  readonly chiSquare: number;
  /** 0 where there is nothing to compare: a side without failures, or one category. Then the two below are null. */
  readonly degrees: number;
  /**
   * By swapping the experiments within problems: the chi-square distribution takes failures for independent, and those of one problem are not.
   * On its own: not among the tests that are adjusted.
   */
  readonly p: number | null;
  /** Cramér's V with Bergsma's correction, which knows of independent counts alone, and its interval by bootstrap over problems. */
  readonly cramersV: { readonly value: number | null; readonly low: number | null; readonly high: number | null };
}

/**
 * Whether failures fall in other categories in one experiment than in the other, however many there are of them.
 * @param first, second of the problems of `bootstrap`, in its order, and of the categories `codes`
 */
export function failureKinds(
  bootstrap: Bootstrap,
  codes: readonly (string | null)[],
  first: FailureCounts,
  second: FailureCounts,
  options: SwapOptions,
): FailureKinds {
  const width = codes.length;
  const [flatFirst, flatSecond] = [Int32Array.from(first.flat()), Int32Array.from(second.flat())];
  /** The table of each problem's counts, `times` of them, with the experiments swapped where `swapped` is 1. */
  const table = (times: (problem: number) => number, swapped: Uint8Array | null): number[][] => {
    const [upper, lower] = [new Array<number>(width).fill(0), new Array<number>(width).fill(0)];
    for (let problem = 0, at = 0; problem < bootstrap.size; problem++, at += width) {
      const weight = times(problem);
      if (weight === 0) continue;
      const [a, b] = swapped?.[problem] === 1 ? [flatSecond, flatFirst] : [flatFirst, flatSecond];
      for (let i = 0; i < width; i++) {
        upper[i]! += weight * a[at + i]!;
        lower[i]! += weight * b[at + i]!;
      }
    }
    return [upper, lower];
  };
  const once = (): number => 1;
  const rows = table(once, null);
  const test = chiSquareTest(rows);
  const differing = Array.from({ length: bootstrap.size }, (_, problem) => problem).filter((problem) =>
    first[problem]!.some((count, i) => count !== second[problem]![i]),
  );
  const statistic = (swapped: Uint8Array): number => chiSquareTest(table(once, swapped)).statistic;
  const squares = bootstrap.statisticReplicates((weights) => {
    const size = chiSquareTest(table((problem) => weights[problem]!, null)).cramersVCorrected;
    return size === null ? null : size ** 2;
  });
  return {
    categories: codes.map((code, i) => ({ code, first: rows[0]![i]!, second: rows[1]![i]! })),
    chiSquare: test.statistic,
    degrees: test.degrees,
    p: test.degrees === 0 ? null : swapTest(bootstrap.size, differing, statistic, options),
    cramersV: sizeWithInterval(test.cramersVCorrected, squares, bootstrap.confidence),
  };
}

/**
 * Percentiles of the resamples' squares, less what resampling itself adds to them on the average (Efron and Tibshirani 1993, section 10.2): problems
 * that are drawn twice make any table look less even, so that most resamples lie above the value, and percentiles as they stand would leave it out.
 * @param squares of V in the resamples, ascending
 */
function sizeWithInterval(value: number | null, squares: Float64Array, confidence: number): FailureKinds['cramersV'] {
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
