/**
 * Whether experiments' failures are of other kinds: the categories' names and counts beside the test, which is `statistics/category-swaps.ts`'s. Pure;
 * `difference.ts` and `analysis/by-setting.ts` count what goes in.
 */
import type { Bootstrap } from './statistics/bootstrap.js';
import { categorySwapSteps, type CategoryCounts, type CategoryTest, type CategoryTestOptions } from './statistics/category-swaps.js';
import type { Steps } from './steps.js';

/** Categories of failures by experiment, of two. */
export interface FailureKinds extends CategoryTest {
  /** Null for failures without a category. */
  readonly categories: readonly { readonly code: string | null; readonly first: number; readonly second: number }[];
}

/** Of any number of experiments. */
export interface FailureKindsOfAll extends CategoryTest {
  /** Null for failures without a category; counts in the order of the experiments. */
  readonly categories: readonly { readonly code: string | null; readonly counts: readonly number[] }[];
}

/**
 * Whether failures fall in other categories in one experiment than in the other; in steps.
 * @param first, second failures of the problems of `bootstrap`, in its order, and of the categories `codes`
 */
export function* failureKinds(
  bootstrap: Bootstrap,
  codes: readonly (string | null)[],
  first: CategoryCounts,
  second: CategoryCounts,
  options: CategoryTestOptions,
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
  experiments: readonly CategoryCounts[],
  options: CategoryTestOptions,
): Steps<FailureKindsOfAll> {
  const { table, ...test } = yield* categorySwapSteps(bootstrap, codes.length, experiments, options);
  return { categories: codes.map((code, i) => ({ code, counts: table.map((row) => row[i]!) })), ...test };
}
