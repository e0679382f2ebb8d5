/** pass@k of several problems with intervals over them. The estimator is `statistics/pass-at-k.ts`'s; knows no samples. */
import type { PassAtK } from './report-data.js';
import type { Bootstrap } from './statistics/bootstrap.js';
import { passAtK } from './statistics/pass-at-k.js';

/** Of one problem: samples that count, and those of them that pass. */
export interface PassCounts {
  readonly counted: number;
  readonly passed: number;
}

/**
 * pass@k by k, each computed once, over the problems that have k samples: a problem with fewer has no unbiased estimate.
 * @param problems one for each of the bootstrap's clusters
 */
export function passEstimates(problems: readonly PassCounts[], bootstrap: Bootstrap): (k: number) => PassAtK {
  const known = new Map<number, PassAtK>();
  // Where every problem has k samples, all k share one array of denominators, and the bootstrap its sums.
  const all = problems.map(() => 1);
  const least = Math.min(...problems.map(({ counted }) => counted));
  return (k) => {
    let pass = known.get(k);
    if (pass === undefined) {
      const enough = k <= least ? all : problems.map(({ counted }) => (counted >= k ? 1 : 0));
      const values = problems.map(({ counted, passed }) => (counted >= k ? passAtK(counted, passed, k) : 0));
      pass = { k, estimate: bootstrap.ratio(values, enough), problems: enough.reduce<number>((sum, one) => sum + one, 0) };
      known.set(k, pass);
    }
    return pass;
  };
}
