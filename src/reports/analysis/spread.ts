/** How numbers from 0 to 1 are spread: quartiles and a histogram of ten bins. Pure. */
import { quantile } from '../statistics/quantile.js';

const BINS = 10;

export interface Spread {
  readonly count: number;
  /** Null where there is no number. */
  readonly quartiles: readonly [lower: number, median: number, upper: number] | null;
  /** Numbers in each tenth, from 0 on. */
  readonly histogram: readonly number[];
}

/** @param lower the bin of a number that lies between two: 'below' for (0, 0.1], 'above' for [0, 0.1); 0 and 1 are always in the first and the last */
export function spread(values: readonly number[], lower: 'below' | 'above'): Spread {
  const histogram = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    // Rounded away from errors such as those of 0.3 = 3 / 10, which is a little less than 0.1 x 3.
    const scaled = Number((value * BINS).toPrecision(12));
    const bin = lower === 'below' ? Math.ceil(scaled) - 1 : Math.floor(scaled);
    histogram[Math.min(Math.max(bin, 0), BINS - 1)]!++;
  }
  const ascending = Float64Array.from(values).sort();
  return {
    count: values.length,
    quartiles: values.length === 0 ? null : [quantile(ascending, 0.25), quantile(ascending, 0.5), quantile(ascending, 0.75)],
    histogram,
  };
}
