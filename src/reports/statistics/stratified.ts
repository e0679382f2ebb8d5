/**
 * Whether hits fall on two methods otherwise than by chance, problem by problem: the exact conditional test of one 2 x 2 table for each. Given
 * how many samples of a problem hit, whichever method drew them, every choice of the first method's samples among them is as likely; the first method's hits are then a
 * sum of independent hypergeometric numbers, whose distribution is computed here and not sampled.
 *
 * Takes samples of a problem for independent, and a difference within a problem for one of the methods: where either method is better at some problems and
 * none on the whole, it finds what is not there. `rateSwapTest` asks it beside the swaps, never alone.
 *
 * Sources: D. R. Cox, "The analysis of binary data" (1970), section 5.3; C. R. Mehta, N. R. Patel and R. Gray, "Computing an exact confidence
 * interval for the common odds ratio in several 2 x 2 contingency tables", JASA 80 (1985).
 */
import type { ProblemCounts } from './paired-bootstrap.js';
import { sum } from './sum.js';

/** A distribution over whole numbers in a row: the chance of `from`, `from` + 1 and so on. */
export interface Chances {
  readonly from: number;
  readonly shares: Float64Array;
}

/** Ends of a distribution that are rarer than this are cut off: all of them together change no p-value by 1e-11. */
const LEAST_SHARE = 1e-18;
/** Below this a p-value is not told from 0. */
const LEAST_P = 1e-11;

/**
 * The first method's hits of all problems, given each problem's hits of both and the numbers of samples.
 * @throws RangeError where lengths differ
 */
export function conditionalHits(first: ProblemCounts, second: ProblemCounts): Chances {
  const size = first.hits.length;
  for (const { length } of [first.samples, second.hits, second.samples]) {
    if (length !== size) throw new RangeError(`${size} problems, not ${length}`);
  }
  let all: Chances = { from: 0, shares: Float64Array.of(1) };
  for (let i = 0; i < size; i++) {
    all = sumOf(all, hypergeometric(first.hits[i]! + second.hits[i]!, first.samples[i]!, second.samples[i]!));
  }
  return all;
}

/**
 * Two-sided p-value: the chance of a number of hits that is as far from its mean as the first method's, or further. At least 1e-11.
 * @throws RangeError where lengths differ
 */
export function stratifiedTest(first: ProblemCounts, second: ProblemCounts): number {
  const { from, shares } = conditionalHits(first, second);
  const mean = from + shares.reduce((total, share, i) => total + share * i, 0);
  // Sums of shares differ in their last bits from what they are: equally far on both sides is a tie.
  const bound = Math.abs(sum(Array.from(first.hits)) - mean) - 1e-9 * Math.max(1, mean);
  const p = shares.reduce((total, share, i) => total + (Math.abs(from + i - mean) >= bound ? share : 0), 0);
  return Math.min(1, Math.max(p, LEAST_P));
}

/** Of `hits` of `first` + `second` samples, how many are among the first. */
function hypergeometric(hits: number, first: number, second: number): Chances {
  const [from, to] = [Math.max(0, hits - second), Math.min(hits, first)];
  const shares = new Float64Array(to - from + 1);
  // From the most likely number on, each from its neighbour: what becomes too small for a number is too rare to matter.
  const mode = Math.min(to, Math.max(from, Math.floor(((hits + 1) * (first + 1)) / (first + second + 2))));
  const ratio = (n: number): number => ((hits - n) * (first - n)) / ((n + 1) * (second - hits + n + 1));
  shares[mode - from] = 1;
  for (let n = mode; n < to; n++) shares[n + 1 - from] = shares[n - from]! * ratio(n);
  for (let n = mode; n > from; n--) shares[n - 1 - from] = shares[n - from]! / ratio(n - 1);
  const total = sum(shares);
  return { from, shares: shares.map((share) => share / total) };
}

/** The distribution of the sum of two independent numbers, without its rarest ends. */
function sumOf(a: Chances, b: Chances): Chances {
  const shares = new Float64Array(a.shares.length + b.shares.length - 1);
  for (let i = 0; i < b.shares.length; i++) {
    const share = b.shares[i]!;
    if (share < LEAST_SHARE) continue;
    for (let j = 0; j < a.shares.length; j++) shares[i + j]! += share * a.shares[j]!;
  }
  let [begin, end] = [0, shares.length];
  while (end - begin > 1 && shares[begin]! < LEAST_SHARE) begin++;
  while (end - begin > 1 && shares[end - 1]! < LEAST_SHARE) end--;
  return { from: a.from + b.from + begin, shares: shares.subarray(begin, end) };
}
