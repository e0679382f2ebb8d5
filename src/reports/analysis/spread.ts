/** How numbers from 0 to 1 are spread: quartiles and a histogram of ten bins. Pure. */
import type { Bootstrap, Estimate } from '../statistics/bootstrap.js';
import { clusterQuantile, quantile } from '../statistics/quantile.js';

const BINS = 10;
const QUARTILES = [0.25, 0.5, 0.75] as const;

/** Of a value that stands beside it. */
export type Interval = Omit<Estimate, 'value'>;

export interface Spread {
  readonly count: number;
  /** Null where there is no number, as are their intervals. */
  readonly quartiles: readonly [lower: number, median: number, upper: number] | null;
  /** Of the quartiles, by bootstrap over problems. */
  readonly intervals: readonly [lower: Interval, median: Interval, upper: Interval] | null;
  /** Numbers in each tenth, from 0 on. */
  readonly histogram: readonly number[];
}

/** A number with its problem's. */
export interface Placed {
  readonly position: number;
  readonly problem: number;
}

/**
 * @param lower the bin of a number that lies between two: 'below' for (0, 0.1], 'above' for [0, 0.1); 0 and 1 are always in the first and the last
 * @param bootstrap over all problems, those without a number too
 */
export function spread(values: readonly Placed[], lower: 'below' | 'above', bootstrap: Bootstrap): Spread {
  const histogram = Array.from({ length: BINS }, () => 0);
  for (const { position } of values) {
    // Rounded away from errors such as those of 0.3 = 3 / 10, which is a little less than 0.1 x 3.
    const scaled = Number((position * BINS).toPrecision(12));
    const bin = lower === 'below' ? Math.ceil(scaled) - 1 : Math.floor(scaled);
    histogram[Math.min(Math.max(bin, 0), BINS - 1)]!++;
  }
  if (values.length === 0) return { count: 0, quartiles: null, intervals: null, histogram };
  const sorted = [...values].sort((a, b) => a.position - b.position);
  const ascending = Float64Array.from(sorted, ({ position }) => position);
  const problems = Int32Array.from(sorted, ({ problem }) => problem);
  const [first, second, third] = QUARTILES.map((share) => ({
    value: quantile(ascending, share),
    interval: intervalOf(bootstrap.statistic(clusterQuantile(ascending, problems, share))),
  })) as [Quartile, Quartile, Quartile];
  return {
    count: values.length,
    quartiles: [first.value, second.value, third.value],
    intervals: [first.interval, second.interval, third.interval],
    histogram,
  };
}

interface Quartile {
  readonly value: number;
  readonly interval: Interval;
}

/** An estimate's interval; none where it is Wilson's, which is for shares alone. */
export function intervalOf({ low, high, method }: Estimate): Interval {
  return method === 'bca' ? { low, high, method } : { low: null, high: null, method: 'none' };
}
