/**
 * Tests of two methods, or several, on the same problems, by swapping the methods within problems: were they alike, each problem's two sets of samples might
 * as well have had each other's name. A problem is swapped whole, as its samples resemble each other. For a difference of rates with equal
 * numbers of samples that is the sign-flip test of the problems' differences.
 *
 * All arrangements are counted where they are few, otherwise a sample of them is, with the data themselves as one. Exact for any number of
 * problems: p is at most alpha in alpha of cases, and never below 2^(1 - problems). The price is that with five problems nothing is below 0.05.
 * Where the methods have unequal numbers of samples in a problem the names are not quite exchangeable, and the level holds about.
 *
 * Sources: R. A. Fisher, "The design of experiments" (1935), section 21; E. J. G. Pitman, J. R. Stat. Soc. Suppl. 4 (1937); for sampled
 * arrangements B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", Stat. Appl. Genet. Mol. Biol. 9 (2010).
 */
import { finish, type Steps } from '../steps.js';
import type { ProblemCounts } from './paired-bootstrap.js';
import { PhiloxStream } from './philox.js';

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
 * methods have unequal numbers of samples, as greedy decoding has beside others, a statistic has to allow for it, as `failureKinds` does: otherwise an arrangement gives a
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
 * @throws RangeError where lengths differ
 */
export function rateSwapTest(first: ProblemCounts, second: ProblemCounts, options: SwapOptions = {}): number | null {
  const size = first.hits.length;
  for (const { length } of [first.samples, second.hits, second.samples]) {
    if (length !== size) throw new RangeError(`${size} problems, not ${length}`);
  }
  const difference = (swapped: Uint8Array): number => {
    let [hitsA, samplesA, hitsB, samplesB] = [0, 0, 0, 0];
    for (let i = 0; i < size; i++) {
      const [a, b] = swapped[i] === 1 ? [second, first] : [first, second];
      hitsA += a.hits[i]!;
      samplesA += a.samples[i]!;
      hitsB += b.hits[i]!;
      samplesB += b.samples[i]!;
    }
    // An arrangement may leave one side without a sample: nothing can be said of it then, which is no sign of a difference.
    return samplesA === 0 || samplesB === 0 ? 0 : Math.abs(hitsA / samplesA - hitsB / samplesB);
  };
  const differing: number[] = [];
  let [samplesFirst, samplesSecond] = [0, 0];
  for (let i = 0; i < size; i++) {
    samplesFirst += first.samples[i]!;
    samplesSecond += second.samples[i]!;
    if (first.hits[i] !== second.hits[i] || first.samples[i] !== second.samples[i]) differing.push(i);
  }
  if (samplesFirst === 0 || samplesSecond === 0) return null;
  return swapTest(size, differing, difference, options);
}
