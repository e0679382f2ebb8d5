/**
 * Confidence intervals by bootstrap over problems. Samples of one problem resemble each other, so the problem is
 * what gets resampled, never the sample (DiCiccio and Efron, "Bootstrap confidence intervals", Statistical Science 11 (1996)).
 *
 * Most of what is reported is a ratio of two sums over problems: pass@k is (sum of per-problem values) / (number of
 * problems), a share is (sum of counts) / (sum of totals). One set of resamples serves all ratios of a report, so that they
 * can be compared with each other, and costs one draw. What is no ratio (AUROC, kappa) is a function of how often each problem was drawn.
 */
import { normalCdf, normalQuantile } from './normal.js';
import { PhiloxStream } from './philox.js';
import { quantile } from './quantile.js';
import { wilsonInterval } from './wilson.js';
import { finish, type Steps } from '../steps.js';

/** How an interval was made. `wilson`: over problems, where resampling cannot vary the value; `none`: nothing to estimate from. */
export type IntervalMethod = 'bca' | 'wilson' | 'none';

/** A value with its confidence interval; all three are null when the denominator is zero. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly method: IntervalMethod;
}

export interface BootstrapOptions {
  /** Default 9,999: an odd count makes the percentiles fall on order statistics. */
  readonly resamples?: number;
  /** Default 0. Equal seeds and sizes give equal intervals, on every machine. */
  readonly seed?: bigint;
  /** Default 0.95. */
  readonly confidence?: number;
}

/** Of an interval where nobody asks for another number. */
export const RESAMPLES = 9_999;

/** Of a statistic of a whole table of experiments these take some hundredths of a second. */
const RESAMPLES_OF_A_STEP = 200;

const NOTHING: Estimate = { value: null, low: null, high: null, method: 'none' };

/**
 * A number computed from weighted clusters: how often each was drawn, 1 each for the data themselves. Null where those clusters do not
 * define it. The array is reused between calls.
 */
export type ClusterStatistic = (weights: Uint16Array) => number | null;

/** Resamples of `size` clusters, drawn once. Memory: resamples x size x 2 bytes. */
export class Bootstrap {
  readonly size: number;
  readonly resamples: number;
  readonly confidence: number;
  /**
   * [cluster, resample]: how often the cluster was drawn. By cluster, because most counts that are asked for are zero in most
   * clusters, and a zero then costs nothing. A count above 65,535 would need as many clusters, all drawn the same.
   */
  private readonly drawn: Uint16Array;
  /** Sums over each resample by array: the same denominators serve many ratios. */
  private readonly sumsOf = new WeakMap<object, Float64Array>();

  constructor(size: number, options: BootstrapOptions = {}) {
    this.size = size;
    this.resamples = options.resamples ?? RESAMPLES;
    this.confidence = options.confidence ?? 0.95;
    this.drawn = new Uint16Array(this.resamples * size);
    const stream = new PhiloxStream(options.seed ?? 0n);
    for (let b = 0; b < this.resamples; b++) {
      for (let i = 0; i < size; i++) this.drawn[stream.below(size) * this.resamples + b]!++;
    }
  }

  /**
   * sum(numerators) / sum(denominators) with its BCa interval.
   * @param numerators one finite number per cluster; neither array may change afterwards, their sums are remembered
   * @param denominators one non-negative number per cluster; clusters with 0 count for nothing
   *
   * Where resampling cannot vary the ratio (a rate of exactly 0 or 1, a single problem), the bootstrap would claim certainty.
   * For a ratio within [0, 1] Wilson's interval over the problems stands in: for a rate of 0 it bounds the true mean
   * of any variable in [0, 1], because the mean is at most the probability of being above 0. A ratio outside [0, 1] then has
   * no interval.
   */
  ratio(numerators: ArrayLike<number>, denominators: ArrayLike<number>): Estimate {
    if (numerators.length !== this.size || denominators.length !== this.size) {
      throw new RangeError(`${this.size} clusters, not ${numerators.length} and ${denominators.length}`);
    }
    let numerator = 0;
    let denominator = 0;
    let informative = 0;
    for (let i = 0; i < this.size; i++) {
      numerator += numerators[i]!;
      denominator += denominators[i]!;
      if (denominators[i]! > 0) informative++;
    }
    if (denominator === 0) return NOTHING;
    const value = numerator / denominator;
    const interval = this.bca(value, this.replicates(numerators, denominators), acceleration(numerators, denominators));
    if (interval !== null) return { value, ...interval, method: 'bca' };
    if (!(value >= 0 && value <= 1)) return { value, low: null, high: null, method: 'none' };
    return { value, ...wilsonInterval(value * informative, informative, this.confidence), method: 'wilson' };
  }

  /**
   * Any statistic of the clusters with its BCa interval, the acceleration from the jackknife. Costs one evaluation for each resample and
   * each cluster; for a ratio of sums, `ratio` is faster.
   *
   * Null where the data do not define it. Resamples that do not are left out, as is a value left undefined by leaving a cluster out.
   * Where resampling cannot vary it there is no interval, method `none`: nothing can stand in for a statistic of which nothing is known.
   * @param without the statistic of the data but one cluster, by its number: what `of` says of weights 1 and one 0, where that is to be had
   *   for less than an evaluation
   */
  statistic(of: ClusterStatistic, without: (cluster: number) => number | null = this.#byEvaluation(of)): Estimate {
    const value = of(new Uint16Array(this.size).fill(1));
    if (value === null) return NOTHING;
    const left: number[] = [];
    for (let i = 0; i < this.size; i++) {
      const rest = without(i);
      if (rest !== null) left.push(rest);
    }
    const interval = this.bca(value, finish(this.statisticReplicates(of)), jackknifeAcceleration(left));
    return interval === null ? { value, low: null, high: null, method: 'none' } : { value, ...interval, method: 'bca' };
  }

  #byEvaluation(of: ClusterStatistic): (cluster: number) => number | null {
    const weights = new Uint16Array(this.size).fill(1);
    return (cluster) => {
      weights[cluster] = 0;
      const rest = of(weights);
      weights[cluster] = 1;
      return rest;
    };
  }

  /** The statistic in every resample that defines it, ascending; in steps of some resamples. */
  *statisticReplicates(of: ClusterStatistic): Steps<Float64Array> {
    const weights = new Uint16Array(this.size);
    const values = new Float64Array(this.resamples);
    let kept = 0;
    for (let from = 0; from < this.resamples; from += RESAMPLES_OF_A_STEP) {
      kept = this.#replicatesFrom(from, of, weights, values, kept);
      yield;
    }
    return values.subarray(0, kept).sort();
  }

  /** Those of one step, behind the first `kept` of `values`; how many there are then. `weights` are used again. */
  #replicatesFrom(from: number, of: ClusterStatistic, weights: Uint16Array, values: Float64Array, kept: number): number {
    const { drawn, resamples, size } = this;
    const to = Math.min(resamples, from + RESAMPLES_OF_A_STEP);
    for (let b = from; b < to; b++) {
      for (let i = 0; i < size; i++) weights[i] = drawn[i * resamples + b]!;
      const value = of(weights);
      if (value !== null) values[kept++] = value;
    }
    return kept;
  }

  /** The ratio in every resample, ascending; resamples without any denominator are left out. */
  private replicates(numerators: ArrayLike<number>, denominators: ArrayLike<number>): Float64Array {
    const above = this.sums(numerators);
    const below = this.sums(denominators);
    const values = new Float64Array(this.resamples);
    let kept = 0;
    for (let b = 0; b < this.resamples; b++) {
      if (below[b]! > 0) values[kept++] = above[b]! / below[b]!;
    }
    return values.subarray(0, kept).sort();
  }

  /** The sum of one number per cluster over every resample. Remembered by array, which therefore must not change. */
  private sums(values: ArrayLike<number>): Float64Array {
    const known = this.sumsOf.get(values);
    if (known !== undefined) return known;
    const { drawn, resamples } = this;
    const sums = new Float64Array(resamples);
    const some: { readonly value: number; readonly start: number }[] = [];
    for (let i = 0; i < this.size; i++) if (values[i] !== 0) some.push({ value: values[i]!, start: i * resamples });
    // Four clusters at a time, each sum in the clusters' order: a sum is loaded and stored once for four, in little more than half the time.
    let at = 0;
    for (; at + 3 < some.length; at += 4) {
      const [a, b, c, d] = [some[at]!, some[at + 1]!, some[at + 2]!, some[at + 3]!];
      const [valueA, valueB, valueC, valueD] = [a.value, b.value, c.value, d.value];
      const [startA, startB, startC, startD] = [a.start, b.start, c.start, d.start];
      for (let i = 0; i < resamples; i++) {
        sums[i] =
          sums[i]! + valueA * drawn[startA + i]! + valueB * drawn[startB + i]! + valueC * drawn[startC + i]! + valueD * drawn[startD + i]!;
      }
    }
    for (const { value, start } of some.slice(at)) for (let i = 0; i < resamples; i++) sums[i]! += value * drawn[start + i]!;
    this.sumsOf.set(values, sums);
    return sums;
  }

  /** Bias-corrected and accelerated ends; null where the replicates do not vary. */
  private bca(value: number, replicates: Float64Array, a: number): { low: number; high: number } | null {
    const count = replicates.length;
    if (count === 0) return null;
    // Sums in another order differ in their last bits: such replicates are ties, not variation.
    const tolerance = 1e-12 * Math.max(1, Math.abs(value));
    if (replicates[count - 1]! - replicates[0]! <= tolerance) return null;
    // Ties count half: counts over few problems are discrete, and "below" alone would bias z0.
    const below = firstAbove(replicates, value - tolerance);
    const ties = firstAbove(replicates, value + tolerance) - below;
    const share = Math.min(Math.max((below + ties / 2) / count, 0.5 / count), 1 - 0.5 / count);
    const z0 = normalQuantile(share);
    const end = (z: number): number => quantile(replicates, normalCdf(z0 + (z0 + z) / (1 - a * (z0 + z))));
    const z = normalQuantile((1 + this.confidence) / 2);
    return { low: end(-z), high: end(z) };
  }
}

/** The acceleration of a ratio of sums. */
function acceleration(numerators: ArrayLike<number>, denominators: ArrayLike<number>): number {
  let numerator = 0;
  let denominator = 0;
  for (let i = 0; i < numerators.length; i++) {
    numerator += numerators[i]!;
    denominator += denominators[i]!;
  }
  const left: number[] = [];
  for (let i = 0; i < numerators.length; i++) {
    const rest = denominator - denominators[i]!;
    if (rest > 0) left.push((numerator - numerators[i]!) / rest);
  }
  return jackknifeAcceleration(left);
}

/**
 * The acceleration of BCa: Efron, "Better bootstrap confidence intervals", JASA 82 (1987), eq. 6.6.
 * @param left the statistic with one cluster left out, for each that leaves it defined
 */
function jackknifeAcceleration(left: readonly number[]): number {
  if (left.length === 0) return 0;
  const mean = left.reduce((sum, x) => sum + x, 0) / left.length;
  let squares = 0;
  let cubes = 0;
  for (const x of left) {
    squares += (mean - x) ** 2;
    cubes += (mean - x) ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/** Index of the first element greater than `limit` in an ascending array. */
function firstAbove(values: Float64Array, limit: number): number {
  let [from, to] = [0, values.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (values[middle]! > limit) to = middle;
    else from = middle + 1;
  }
  return from;
}
