/**
 * The interval of a difference of two independent proportions. Two methods on the same problems are not independent: then
 * `paired-bootstrap.ts`.
 *
 * Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17 (1998),
 * method 10: a square-and-add of Wilson's intervals.
 */
import { wilsonInterval } from './wilson.js';

export interface Difference {
  /** First proportion minus second. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Counts as in `wilsonInterval`, whose RangeError names those that are none. */
export function proportionDifference(
  first: { readonly successes: number; readonly trials: number },
  second: { readonly successes: number; readonly trials: number },
  confidence = 0.95,
): Difference {
  const a = wilsonInterval(first.successes, first.trials, confidence);
  const b = wilsonInterval(second.successes, second.trials, confidence);
  const [p, q] = [first.successes / first.trials, second.successes / second.trials];
  return {
    value: p - q,
    low: p - q - Math.hypot(p - a.low, b.high - q),
    high: p - q + Math.hypot(a.high - p, q - b.low),
  };
}
