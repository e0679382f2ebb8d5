/** Quantiles of numbers that are sorted already. Hyndman and Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996). */

import type { ClusterStatistic } from './bootstrap.js';

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

/**
 * The same of numbers that belong to clusters, as a function of how often each cluster was drawn: what `quantile` says of every number so many times as
 * its cluster. Time of an evaluation: numbers up to the quantile, and clusters.
 * @param ascending numbers, and in the same order their clusters' numbers
 */
export function clusterQuantile(ascending: ArrayLike<number>, clusters: ArrayLike<number>, probability: number): ClusterStatistic {
  const sizes = new Map<number, number>();
  for (let i = 0; i < clusters.length; i++) sizes.set(clusters[i]!, (sizes.get(clusters[i]!) ?? 0) + 1);
  return (weights) => {
    let drawn = 0;
    for (const [cluster, size] of sizes) drawn += weights[cluster]! * size;
    if (drawn === 0) return null;
    const position = probability * (drawn - 1);
    const index = Math.floor(position);
    let [i, passed] = [-1, 0];
    while (passed <= index) passed += weights[clusters[++i]!]!;
    const low = ascending[i]!;
    if (passed > index + 1 || passed === drawn) return low;
    do i++;
    while (weights[clusters[i]!] === 0);
    return low + (ascending[i]! - low) * (position - index);
  };
}
