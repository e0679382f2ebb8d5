/** What `faultline run` prints of strategies that it compared, for people. The numbers are `reports/strategy-comparison.ts`'s. */
import { decimal, NO_VALUE, percent, points, pointsInterval, probability } from '../reports/render/format.js';
import { intervalTitle } from '../reports/render/tables/estimate.js';
import type { StrategyComparison } from '../reports/strategy-comparison.js';
import { bySettingText } from './by-setting-text.js';
import { textTable } from './text-table.js';

/** Several blocks, without a newline at the end. */
export function strategiesText({ bySetting, against, tests, pairs }: StrategyComparison): string {
  const interval = intervalTitle(bySetting.intervals.confidence);
  const rates = textTable(
    ['experiment', 'rate', against, 'its own', 'difference', interval, 'p', 'adjusted'],
    tests.map(({ experiment, rate, first, second, difference, adjustedP }) => [
      experiment,
      rate,
      percent(first.share),
      percent(second.share),
      points(difference.value),
      pointsInterval(difference),
      probability(difference.p),
      probability(adjustedP),
    ]),
  );
  const kinds = textTable(
    ['experiment', "kinds of failure: Cramér's V", interval, 'p', 'pairs', 'only first passes', 'only second', "McNemar's mid-p"],
    pairs.map(({ experiment, difference: { failures, pairs: found } }) => {
      const { value, low, high } = failures.cramersV;
      return [
        experiment,
        decimal(value, 2),
        low === null || high === null ? NO_VALUE : `${decimal(low, 2)} to ${decimal(high, 2)}`,
        probability(failures.p),
        found.pairs,
        found.onlyFirst,
        found.onlySecond,
        probability(found.mcnemar?.midP ?? null),
      ];
    }),
  );
  return [
    bySettingText(bySetting),
    `each against ${against}, over the problems that both have; p by swaps within problems, adjusted for all rows\n${rates}`,
    kinds,
  ].join('\n\n');
}
