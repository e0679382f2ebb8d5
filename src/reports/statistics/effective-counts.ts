/**
 * Weighted counts as so many counts as are as uncertain: Kish's effective size. For tests that expect counts, of things of which each problem counts
 * as much as another however many samples of it there are.
 *
 * Source: L. Kish, "Survey sampling" (1965), section 11.7.
 */
import { sum } from './sum.js';

/**
 * Sums of weights by category, scaled to the effective size (sum of weights)^2 / (sum of their squares). Where all weights are the same these are the
 * counts themselves.
 * @param weights summed by category
 * @param squares the sum of the squares of all weights; 0 where there are none
 */
export function effectiveCounts(weights: Float64Array, squares: number): Float64Array {
  const scale = squares === 0 ? 0 : sum(weights) / squares;
  return weights.map((weight) => weight * scale);
}
