/**
 * How large a difference between two experiments is, beside the differences of their rates: whether their failures are of other kinds, and how far
 * apart their problems' pass rates lie. Pure; `difference.ts` counts what goes in.
 */
import type { Bootstrap, Estimate } from './statistics/bootstrap.js';
import { chiSquareTest } from './statistics/chi-square.js';
import { cliffsDelta } from './statistics/cliffs-delta.js';
import { swapTest, type SwapOptions } from './statistics/problem-swaps.js';

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
  /** Cramér's V with Bergsma's correction, which knows of independent counts alone; BCa interval over problems. */
  readonly cramersV: Estimate;
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
  const rowsOf = (sides: (problem: number) => readonly [FailureCounts, FailureCounts], weight: (problem: number) => number): number[][] => {
    const rows = [codes.map(() => 0), codes.map(() => 0)];
    for (let problem = 0; problem < bootstrap.size; problem++) {
      const [times, of] = [weight(problem), sides(problem)];
      if (times === 0) continue;
      for (const [side, row] of rows.entries()) {
        const counts = of[side]![problem]!;
        for (let i = 0; i < row.length; i++) row[i]! += times * counts[i]!;
      }
    }
    return rows;
  };
  const [own, other] = [[first, second] as const, [second, first] as const];
  const rows = rowsOf(
    () => own,
    () => 1,
  );
  const test = chiSquareTest(rows);
  const differing = Array.from({ length: bootstrap.size }, (_, problem) => problem).filter((problem) =>
    first[problem]!.some((count, i) => count !== second[problem]![i]),
  );
  const statistic = (swapped: Uint8Array): number =>
    chiSquareTest(
      rowsOf(
        (problem) => (swapped[problem] === 1 ? other : own),
        () => 1,
      ),
    ).statistic;
  const size = (weights: Uint16Array): number | null =>
    chiSquareTest(
      rowsOf(
        () => own,
        (problem) => weights[problem]!,
      ),
    ).cramersVCorrected;
  return {
    categories: codes.map((code, i) => ({ code, first: rows[0]![i]!, second: rows[1]![i]! })),
    chiSquare: test.statistic,
    degrees: test.degrees,
    p: test.degrees === 0 ? null : swapTest(bootstrap.size, differing, statistic, options),
    cramersV: bootstrap.statistic(size),
  };
}

/**
 * Cliff's delta of the problems' rates, second against first, with its BCa interval over problems: the chance that a problem of the second has a
 * higher rate than one of the first, less the chance of a lower one. It looks at all pairs of problems, so that how hard they are does not cancel out.
 */
export function rateDominance(bootstrap: Bootstrap, first: readonly number[], second: readonly number[]): Estimate {
  return bootstrap.statistic((weights) => {
    const drawn = (rates: readonly number[]): number[] => rates.flatMap((rate, problem) => new Array<number>(weights[problem]!).fill(rate));
    return cliffsDelta(drawn(second), drawn(first));
  });
}
