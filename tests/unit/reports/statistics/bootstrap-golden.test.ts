/** Intervals by bootstrap over problems against SciPy's (tests/golden/statistics-bootstrap.json), and quantiles of clusters against plain ones. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bootstrap, type ClusterStatistic, type Estimate } from '../../../../src/reports/statistics/bootstrap.js';
import { rateDifference } from '../../../../src/reports/statistics/paired-bootstrap.js';
import { clusterQuantile, quantile } from '../../../../src/reports/statistics/quantile.js';
import { finish } from '../../../../src/reports/steps.js';
import { paired, type GoldenInterval } from './golden.js';

/** Both ends of BCa's interval, and of the one that the resamples' own quantiles are. */
function expectIntervals(
  bootstrap: Bootstrap,
  estimate: Estimate,
  statistic: ClusterStatistic,
  { bca, percentile, tolerance }: GoldenInterval,
): void {
  expect(estimate.method).toBe('bca');
  const replicates = finish(bootstrap.statisticReplicates(statistic));
  const ends = [estimate.low!, estimate.high!, quantile(replicates, 0.025), quantile(replicates, 0.975)];
  [bca.low, bca.high, percentile.low, percentile.high].forEach((end, i) => {
    expect(Math.abs(ends[i]! - end), `end ${i}`).toBeLessThanOrEqual(tolerance);
  });
}

const resampled = (problems: number): Bootstrap => new Bootstrap(problems, { seed: 1n, resamples: paired.resamples });
const sum = (weights: Uint16Array, values: readonly number[]): number => values.reduce((total, value, i) => total + weights[i]! * value, 0);

describe('as SciPy has it, resampling problems with all their numbers', () => {
  it.each(paired.ratio)('a ratio with denominators $samples', ({ hits, samples, ...golden }) => {
    const bootstrap = resampled(hits.length);
    expectIntervals(bootstrap, bootstrap.ratio(hits, samples), (weights) => sum(weights, hits) / sum(weights, samples), golden);
  });

  it.each(paired.difference)('a difference of rates of $first.hits and $second.hits', ({ first, second, ...golden }) => {
    const bootstrap = resampled(first.hits.length);
    const rate = (weights: Uint16Array, { hits, samples }: typeof first): number => sum(weights, hits) / sum(weights, samples);
    expectIntervals(bootstrap, rateDifference(bootstrap, first, second), (weights) => rate(weights, first) - rate(weights, second), golden);
  });

  it.each(paired.quantile)('a quantile of what problems hold, at $share', ({ share, values, value, ...golden }) => {
    const placed = values.flatMap((own, problem) => own.map((each) => ({ each, problem }))).sort((a, b) => a.each - b.each);
    const statistic = clusterQuantile(placed.map(({ each }) => each), placed.map(({ problem }) => problem), share); // prettier-ignore
    const bootstrap = resampled(values.length);
    const estimate = bootstrap.statistic(statistic);
    expect(estimate.value).toBeCloseTo(value, 12);
    expectIntervals(bootstrap, estimate, statistic, golden);
  });
});

describe('a quantile of clusters', () => {
  it('is the quantile of every number as often as its cluster was drawn', () => {
    const numbers = fc.array(fc.record({ value: fc.integer({ min: 0, max: 9 }), cluster: fc.integer({ min: 0, max: 5 }) }), {
      maxLength: 30,
    });
    const weights = fc.uint16Array({ minLength: 6, maxLength: 6, max: 3 });
    fc.assert(
      fc.property(numbers, weights, fc.constantFrom(0, 0.1, 0.25, 0.5, 0.75, 0.99, 1), (list, drawn, share) => {
        const sorted = [...list].sort((a, b) => a.value - b.value);
        const statistic = clusterQuantile(sorted.map(({ value }) => value), sorted.map(({ cluster }) => cluster), share); // prettier-ignore
        const copies = sorted.flatMap(({ value, cluster }) => new Array<number>(drawn[cluster]!).fill(value));
        const found = statistic(drawn);
        if (copies.length === 0) expect(found).toBeNull();
        else expect(found).toBeCloseTo(quantile(copies, share), 12);
      }),
      { numRuns: 500 },
    );
  });
});
