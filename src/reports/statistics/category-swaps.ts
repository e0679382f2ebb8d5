/**
 * Whether categories depend on the method, where problems have several samples: chi-square of categories by method, with a p-value by swapping two methods
 * within problems, or permuting several, and Cramér's V with an interval by bootstrap over problems. The chi-square distribution takes counts
 * for independent, and those of one problem are not. Knows numbers alone; `failure-kinds.ts` has the categories' names.
 *
 * Sources: those of `chi-square.ts` and `problem-swaps.ts`; the interval is B. Efron and R. Tibshirani's, "An introduction to the bootstrap" (1993), sections 10.2 and 13.
 */
import { finish, type Steps } from '../steps.js';
import type { Bootstrap } from './bootstrap.js';
import { chiSquareTest, pearsonStatistic } from './chi-square.js';
import { effectiveCounts } from './effective-counts.js';
import { permutationSteps, swapTest, type SwapOptions } from './problem-swaps.js';
import { quantile } from './quantile.js';
import { sum } from './sum.js';

/** Counts of one method: [problem][category]. */
export type CategoryCounts = readonly (readonly number[])[];

export interface CategoryTestOptions extends SwapOptions {
  /** All samples, whether counted in a category or not, [method][problem]; by default methods have as many of each problem. */
  readonly samples?: readonly (readonly number[])[];
}

export interface CategoryTest {
  /** Pearson's, of the table of counts, a row for each method. */
  readonly chiSquare: number;
  /** 0 where there is nothing to compare: fewer than two methods with a count, or one category. Then the two below are null. */
  readonly degrees: number;
  /**
   * By swapping two methods within problems, or permuting several. Where methods have unequal numbers of samples of a problem, as greedy decoding has beside others, each problem
   * counts by shares of its samples: by counts an arrangement would differ by which problems a row has most of, and p be near 1 whatever the categories are. With
   * one sample beside twelve p is at most 0.05 in 4 to 6 % of cases where nothing differs from 80 problems on, and in 9 to 10 % with three methods or more
   * of 20 problems. On its own: not among the tests that are adjusted.
   */
  readonly p: number | null;
  /** Cramér's V with Bergsma's correction, which knows of independent counts alone, and its interval by bootstrap over problems. */
  readonly cramersV: { readonly value: number | null; readonly low: number | null; readonly high: number | null };
}

/** With the table it is about: counts by [method][category]. */
export interface CategoryTable extends CategoryTest {
  readonly table: readonly (readonly number[])[];
}

/**
 * Tests several methods as one table; in steps.
 * @param bootstrap over the problems of the counts, in their order
 * @param width categories: as many as each problem has counts
 * @param methods each with counts of all problems
 */
export function* categorySwapSteps(
  bootstrap: Bootstrap,
  width: number,
  methods: readonly CategoryCounts[],
  options: CategoryTestOptions,
): Steps<CategoryTable> {
  const { size } = bootstrap;
  const count = methods.length;
  const counted = new Cells(methods, width, size);
  const { samples } = options;
  const isUneven = samples?.some((own) => own.some((each, problem) => each !== samples[0]![problem])) === true;
  // Shares of a problem's samples, and behind them, as one category more, the sum of the squares of the weights that they are sums of: what chance adds to their variance.
  const shares = !isUneven
    ? null
    : new Cells(
        methods.map((problems, method) =>
          problems.map((own, problem) => {
            const of = samples[method]![problem]!;
            return [...own.map((each) => each / of), sum(own) / of ** 2];
          }),
        ),
        width + 1,
        size,
      );
  const once = (): number => 1;
  const asTheyAre = Uint8Array.from({ length: size * count }, (_, at) => at % count);
  // Copied, as the table's rows are used again.
  const table = counted.table(once, asTheyAre).map((row) => Array.from(row));
  const test = chiSquareTest(table);
  const differing = Array.from({ length: size }, (_, problem) => problem).filter((problem) => (shares ?? counted).differ(problem));
  // Rows of effective counts are as uncertain as chi-square takes them for, in every arrangement; shares alone would not do, as one row of few samples holds all of
  // the chance that arrangements spread over all rows.
  const statistic = (owners: Uint8Array): number =>
    pearsonStatistic(
      shares === null
        ? counted.table(once, owners)
        : shares.table(once, owners).map((row) => effectiveCounts(row.slice(0, -1), row.at(-1)!)),
    );
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
  if (test.degrees > 0) p = count === 2 ? swappedTest() : yield* permutationSteps(size, count, differing, statistic, options);
  yield;
  const squares = yield* bootstrap.statisticReplicates((weights) => {
    const v = chiSquareTest(counted.table((problem) => weights[problem]!, asTheyAre)).cramersVCorrected;
    return v === null ? null : v ** 2;
  });
  return {
    table,
    chiSquare: test.statistic,
    degrees: test.degrees,
    p,
    cramersV: sizeWithInterval(test.cramersVCorrected, squares, bootstrap.confidence),
  };
}

/** The same in one go. */
export function categorySwaps(...data: Parameters<typeof categorySwapSteps>): CategoryTable {
  return finish(categorySwapSteps(...data));
}

/** Numbers of each problem, method and category, for tables in which methods may have changed places within problems. */
class Cells {
  readonly #size: number;
  readonly #methods: number;
  readonly #width: number;
  /** [problem][method][category]. */
  readonly #cells: Float64Array;
  readonly #rows: readonly Float64Array[];

  /** @param methods [method][problem][category] */
  constructor(methods: readonly CategoryCounts[], width: number, size: number) {
    this.#size = size;
    this.#methods = methods.length;
    this.#width = width;
    this.#cells = new Float64Array(size * this.#methods * width);
    methods.forEach((problems, method) => {
      problems.forEach((own, problem) => {
        this.#cells.set(own, (problem * this.#methods + method) * width);
      });
    });
    this.#rows = methods.map(() => new Float64Array(width));
  }

  /** Whether a problem's methods have other numbers than each other. */
  differ(problem: number): boolean {
    const at = problem * this.#methods * this.#width;
    for (let i = this.#width; i < this.#methods * this.#width; i++)
      if (this.#cells[at + i] !== this.#cells[at + (i % this.#width)]) return true;
    return false;
  }

  /**
   * The sums over problems, each `times`, in which row `m` has those of the method `owners[problem * methods + m]`. The rows are used again by
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
 * Percentiles of the resamples' squares, less what resampling itself adds to them on the average: problems that are drawn twice make any table look less even, so that
 * most resamples lie above the value, and percentiles as they stand would leave it out.
 * @param squares of V in the resamples, ascending
 */
function sizeWithInterval(value: number | null, squares: Float64Array, confidence: number): CategoryTest['cramersV'] {
  if (value === null || squares.length === 0 || squares[0] === squares.at(-1)) return { value, low: null, high: null };
  // Where resampling adds nothing, as where one problem makes the table, there is nothing to take off.
  const bias = Math.max(0, squares.reduce((total, square) => total + square, 0) / squares.length - value ** 2);
  const end = (share: number): number => Math.sqrt(Math.min(1, Math.max(0, quantile(squares, share) - bias)));
  return { value, low: end((1 - confidence) / 2), high: end((1 + confidence) / 2) };
}
