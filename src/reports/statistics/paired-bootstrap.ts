/**
 * The difference of two methods' rates on the same problems, by bootstrap over problems: a resample takes both methods' samples of
 * a problem or neither's, so that how hard a problem is cancels out.
 *
 * Source: B. Efron and R. Tibshirani, "An introduction to the bootstrap" (1993), sections 8.4 and 16; for comparing systems on one test
 * set P. Koehn, "Statistical significance tests for machine translation evaluation", EMNLP 2004.
 */
import type { Bootstrap, Estimate } from './bootstrap.js';

/** One method's counts by problem, of the length and in the order that the other one has. A problem with 0 samples counts for nothing. */
export interface ProblemCounts {
  readonly hits: ArrayLike<number>;
  readonly samples: ArrayLike<number>;
}

/**
 * First rate minus second, each a sum of hits over a sum of samples, with BCa interval. Where resampling cannot vary the difference there is no
 * interval. Says nothing of chance: below 20 problems the interval is too narrow to test by (README.md has figures), and `rateSwapTest` is not.
 * @param bootstrap of as many clusters as there are problems
 * @throws RangeError where lengths differ
 */
export function rateDifference(bootstrap: Bootstrap, first: ProblemCounts, second: ProblemCounts): Estimate {
  for (const { length } of [first.hits, first.samples, second.hits, second.samples]) {
    if (length !== bootstrap.size) throw new RangeError(`${bootstrap.size} problems, not ${length}`);
  }
  return bootstrap.statistic((weights) => {
    const a = rate(weights, first);
    const b = rate(weights, second);
    return a === null || b === null ? null : a - b;
  });
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
