/**
 * The difference of two methods' rates on the same problems, by bootstrap over problems: a resample takes both methods' samples of
 * a problem or neither's, so that how hard a problem is cancels out.
 *
 * Source: B. Efron and R. Tibshirani, "An introduction to the bootstrap" (1993), sections 8.4 and 16; for comparing systems on one test
 * set P. Koehn, "Statistical significance tests for machine translation evaluation", EMNLP 2004.
 */
import type { Bootstrap, ClusterStatistic, Estimate } from './bootstrap.js';

/** One method's counts by problem, of the length and in the order that the other one has. A problem with 0 samples counts for nothing. */
export interface ProblemCounts {
  readonly hits: ArrayLike<number>;
  readonly samples: ArrayLike<number>;
}

export interface RateDifference extends Estimate {
  /**
   * Two-sided: twice the share of resamples on the other side of 0, counting the data themselves as one, so that it is never 0 and
   * never below 2 / (resamples + 1). Null where `value` is.
   */
  readonly p: number | null;
}

/**
 * First rate minus second, each a sum of hits over a sum of samples, with BCa interval and p-value. Where resampling cannot vary the
 * difference there is no interval, and p is 1 for a difference of 0.
 * @param bootstrap of as many clusters as there are problems
 * @throws RangeError where lengths differ
 */
export function rateDifference(bootstrap: Bootstrap, first: ProblemCounts, second: ProblemCounts): RateDifference {
  for (const { length } of [first.hits, first.samples, second.hits, second.samples]) {
    if (length !== bootstrap.size) throw new RangeError(`${bootstrap.size} problems, not ${length}`);
  }
  const statistic: ClusterStatistic = (weights) => {
    const a = rate(weights, first);
    const b = rate(weights, second);
    return a === null || b === null ? null : a - b;
  };
  const estimate = bootstrap.statistic(statistic);
  if (estimate.value === null) return { ...estimate, p: null };
  const replicates = bootstrap.statisticReplicates(statistic);
  // Sums in another order differ in their last bits: that is a tie with 0.
  const below = replicates.filter((difference) => difference <= 1e-12).length;
  const above = replicates.filter((difference) => difference >= -1e-12).length;
  return { ...estimate, p: Math.min(1, (2 * (Math.min(below, above) + 1)) / (replicates.length + 1)) };
}

function rate(weights: Uint16Array, { hits, samples }: ProblemCounts): number | null {
  let above = 0;
  let below = 0;
  for (let i = 0; i < weights.length; i++) {
    above += weights[i]! * hits[i]!;
    below += weights[i]! * samples[i]!;
  }
  return below === 0 ? null : above / below;
}
