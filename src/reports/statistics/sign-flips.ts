/**
 * Whether means over problems differ from 0, asked of many lists at once: how likely chance alone gives any list as large a mean as this one has.
 * By flipping signs: where nothing differs, a problem's values are as likely with the other sign, all of them together, so that lists may depend
 * on each other in whatever way. Unlike a bootstrap, that holds for few problems too: of five, no list can be told from chance.
 *
 * Source: P. H. Westfall and S. S. Young, "Resampling-based multiple testing" (1993): the single-step max-T procedure; A. M. Winkler et al.,
 * "Permutation inference for the general linear model", NeuroImage 92 (2014): flipping signs, drawn at random.
 */
import { PhiloxStream } from './philox.js';

/** One finite number for each problem, null where it has none. */
export type ProblemValues = readonly (number | null)[];

export interface SignFlipOptions {
  /** Default 999: p-values are multiples of 1 / (flips + 1). */
  readonly flips?: number;
  /** Default 0. Equal seeds give equal p-values, on every machine. */
  readonly seed?: bigint;
}

/**
 * A p-value for each list, two-sided and adjusted for all lists: those at most 0.05 hold a false finding in at most one family of twenty. Null
 * for a list without a value. A list's statistic is |sum| / sqrt(sum of squares), which no flip of all signs changes in its denominator, and
 * which has the variance 1 for any list.
 *
 * Time: lists x problems x flips.
 * @throws RangeError where lists differ in length
 */
export function signFlipTests(lists: readonly ProblemValues[], { flips = 999, seed = 0n }: SignFlipOptions = {}): (number | null)[] {
  const problems = lists[0]?.length ?? 0;
  const scaled = lists.map((values) => {
    if (values.length !== problems) throw new RangeError(`${problems} problems, not ${values.length}`);
    const scale = Math.sqrt(values.reduce<number>((sum, value) => sum + (value ?? 0) ** 2, 0));
    return Float64Array.from(values, (value) => (scale === 0 ? 0 : (value ?? 0) / scale));
  });
  const observed = scaled.map((values) => Math.abs(values.reduce((sum, value) => sum + value, 0)));
  const asLarge = new Int32Array(lists.length);
  const stream = new PhiloxStream(seed);
  const signs = new Int8Array(problems);
  for (let flip = 0; flip < flips; flip++) {
    for (let i = 0; i < problems; i++) signs[i] = 2 * stream.below(2) - 1;
    let largest = 0;
    for (const values of scaled) {
      let sum = 0;
      for (let i = 0; i < problems; i++) sum += signs[i]! * values[i]!;
      largest = Math.max(largest, Math.abs(sum));
    }
    // Sums in another order of signs differ in their last bits: that is a tie.
    observed.forEach((each, i) => (asLarge[i]! += Number(largest >= each - 1e-9)));
  }
  return lists.map((values, i) => {
    if (values.every((value) => value === null)) return null;
    // Both signs of what was observed are among all flips, whichever were drawn.
    const least = 2 ** (1 - scaled[i]!.filter((value) => value !== 0).length);
    return Math.max((asLarge[i]! + 1) / (flips + 1), Math.min(1, least));
  });
}
