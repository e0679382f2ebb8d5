/**
 * Tests of two methods, or several, on the same problems, by swapping the methods within problems: were they alike, each problem's two sets of samples might
 * as well have had each other's name. A problem is swapped whole, as its samples resemble each other. For a difference of rates with equal
 * numbers of samples that is the sign-flip test of the problems' differences.
 *
 * All arrangements are counted where they are few, otherwise a sample of them is, with the data themselves as one. Exact for any number of
 * problems: p is at most alpha in alpha of cases, and never below 2^(1 - problems). The price is that with five problems nothing is below 0.05.
 *
 * Where the methods have unequal numbers of samples in a problem the names are not exchangeable: `rateSwapTest` then swaps what a problem adds to the difference, and no samples. Its
 * p-value is at most alpha in at most alpha of cases where a problem's samples hit independently and with one chance, whichever method drew them; where methods are
 * better at some problems and worse at others, it holds about.
 *
 * Sources: R. A. Fisher, "The design of experiments" (1935), section 21; E. J. G. Pitman, J. R. Stat. Soc. Suppl. 4 (1937); for sampled
 * arrangements B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9 (2010); for a problem's part of a
 * difference of ratios W. G. Cochran, "Sampling techniques" (1977), section 6.
 */
import { finish, type Steps } from '../steps.js';
import type { ProblemCounts } from './paired-bootstrap.js';
import { PhiloxStream } from './philox.js';
import { stratifiedTest } from './stratified.js';

export interface SwapOptions {
  /** Arrangements that are drawn where not all are counted. Default 9,999. */
  readonly draws?: number;
  /** Default 0. Equal seeds and data give equal p-values, on every machine. */
  readonly seed?: bigint;
}

/** Of several methods, whose tables take longer than those of two. */
const DRAWS_OF_A_STEP = 50;

/** Problems that differ, up to which all arrangements are counted: 2^14, as swapping every problem changes nothing. */
export const EXACT_PROBLEMS = 15;

/**
 * The share of arrangements in which a statistic is at least as large as in the data: a p-value.
 * @param size problems
 * @param differing the numbers of those in which a swap can change anything; 1 where there is none
 * @param statistic of the data with the methods swapped where `swapped`, one entry for each problem, is 1. The larger, the further from what
 *   is tested; must not change where all problems are swapped. The array is reused between calls.
 */
export function swapTest(
  size: number,
  differing: readonly number[],
  statistic: (swapped: Uint8Array) => number,
  { draws = 9_999, seed = 0n }: SwapOptions = {},
): number {
  // One stays as it is: every arrangement has a mirror image of the same statistic.
  const free = differing.slice(1);
  const swapped = new Uint8Array(size);
  const observed = statistic(swapped);
  // Sums in another order differ in their last bits: that is a tie.
  const bound = observed - 1e-10 * Math.max(1, Math.abs(observed));
  let extreme = 0;
  if (differing.length <= EXACT_PROBLEMS) {
    const all = 2 ** free.length;
    for (let arrangement = 0; arrangement < all; arrangement++) {
      for (let i = 0; i < free.length; i++) swapped[free[i]!] = (arrangement >> i) & 1;
      if (statistic(swapped) >= bound) extreme++;
    }
    return extreme / all;
  }
  const stream = new PhiloxStream(seed);
  for (let draw = 0; draw < draws; draw++) {
    let bits = 0;
    for (let i = 0; i < free.length; i++) {
      if (i % 32 === 0) bits = stream.word();
      swapped[free[i]!] = (bits >>> (i % 32)) & 1;
    }
    if (statistic(swapped) >= bound) extreme++;
  }
  return Math.max((extreme + 1) / (draws + 1), 2 ** -free.length);
}

/**
 * The same of several methods, in steps, by permuting them within problems: each problem's sets of samples might as well have had each other's names. A sample of
 * the arrangements is drawn, with the data themselves as one; p is never below the one part in (methods!)^(problems - 1) that the data are. Where
 * methods have unequal numbers of samples, as greedy decoding has beside others, a statistic has to allow for it, as `categorySwapSteps` does: otherwise an arrangement gives a
 * method few samples of some problems and many of others, which by itself makes it differ from the rest, and p is too large.
 * @param size, differing as there
 * @param statistic of the data in which method `m` has what is method `owners[problem * methods + m]`'s in `problem`. The array is reused between calls.
 */
export function* permutationSteps(
  size: number,
  methods: number,
  differing: readonly number[],
  statistic: (owners: Uint8Array) => number,
  { draws = 9_999, seed = 0n }: SwapOptions = {},
): Steps<number> {
  const owners = Uint8Array.from({ length: size * methods }, (_, at) => at % methods);
  const observed = statistic(owners);
  const bound = observed - 1e-10 * Math.max(1, Math.abs(observed));
  const stream = new PhiloxStream(seed);
  let extreme = 0;
  for (let draw = 0; draw < draws; draw++) {
    if (draw % DRAWS_OF_A_STEP === 0) yield;
    for (const problem of differing) {
      // Fisher and Yates: from whatever order the last draw left, every order is as likely.
      for (let last = methods - 1, at = problem * methods; last > 0; last--) {
        const other = stream.below(last + 1);
        const kept = owners[at + last]!;
        owners[at + last] = owners[at + other]!;
        owners[at + other] = kept;
      }
    }
    if (statistic(owners) >= bound) extreme++;
  }
  let arrangements = 1;
  for (let m = 2; m <= methods; m++) arrangements *= m;
  return Math.max((extreme + 1) / (draws + 1), Math.min(1, arrangements ** (1 - differing.length)));
}

/** The same in one go. */
export function permutationTest(...data: Parameters<typeof permutationSteps>): number {
  return finish(permutationSteps(...data));
}

/**
 * Two-sided p-value of the difference of two methods' rates, each a sum of hits over a sum of samples. Null where a method has no samples.
 *
 * Flips the sign of each problem's part of the difference, as it stands in the data: (hits - pooled rate x samples) / all samples, of the first method less that of
 * the second. The parts sum to the difference itself, as it is reported, and with equal numbers of samples a flip is the swap of the problem. Swapping hits together
 * with unequal numbers of samples would change which problems a rate has most of, and hide what differs behind that.
 *
 * With one sample of a problem beside many, parts are mostly small and of one sign, and a few that are large and of the other are missing by chance: where
 * 2 % pass, one sample of each of 40 problems often has none, and flips alone would take that for a difference. So where numbers are unequal p is the larger one of the
 * flips' and `stratifiedTest`'s.
 * @throws RangeError where lengths differ
 */
export function rateSwapTest(first: ProblemCounts, second: ProblemCounts, options: SwapOptions = {}): number | null {
  const size = first.hits.length;
  let [hitsA, samplesA, hitsB, samplesB] = [0, 0, 0, 0];
  let isUneven = false;
  for (const { length } of [first.samples, second.hits, second.samples]) {
    if (length !== size) throw new RangeError(`${size} problems, not ${length}`);
  }
  for (let i = 0; i < size; i++) {
    hitsA += first.hits[i]!;
    samplesA += first.samples[i]!;
    hitsB += second.hits[i]!;
    samplesB += second.samples[i]!;
    if (first.samples[i] !== second.samples[i]) isUneven = true;
  }
  if (samplesA === 0 || samplesB === 0) return null;
  const [hits, samples] = [hitsA + hitsB, samplesA + samplesB];
  const parts = new Float64Array(size);
  const differing: number[] = [];
  for (let i = 0; i < size; i++) {
    // In whole numbers, so that a problem in which both rates are equal is seen to change nothing.
    const ofFirst = samplesB * (samples * first.hits[i]! - hits * first.samples[i]!);
    const ofSecond = samplesA * (samples * second.hits[i]! - hits * second.samples[i]!);
    parts[i] = (ofFirst - ofSecond) / (samples * samplesA * samplesB);
    if (ofFirst !== ofSecond) differing.push(i);
  }
  const difference = (swapped: Uint8Array): number => {
    let total = 0;
    for (const i of differing) total += swapped[i] === 1 ? -parts[i]! : parts[i]!;
    return Math.abs(total);
  };
  const p = swapTest(size, differing, difference, options);
  return isUneven ? Math.max(p, stratifiedTest(first, second)) : p;
}
