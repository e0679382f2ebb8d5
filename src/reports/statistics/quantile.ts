/** Quantiles of numbers that are sorted already. Hyndman and Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996). */

/**
 * Linear interpolation between order statistics: their type 7, numpy's default.
 * @param ascending at least one number
 * @param probability taken as 0 or 1 where it lies outside
 */
export function quantile(ascending: ArrayLike<number>, probability: number): number {
  const position = Math.min(Math.max(probability, 0), 1) * (ascending.length - 1);
  const index = Math.floor(position);
  const low = ascending[index]!;
  const high = ascending[Math.min(index + 1, ascending.length - 1)]!;
  return low + (high - low) * (position - index);
}
