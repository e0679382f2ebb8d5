/**
 * Strategies against the first of them as JSON: the tests of one table, and what `faultline diff --json` prints of each pair. It is `differences.json`
 * and a field of what `faultline run --json` prints of a config with strategies; `docs/strategies.schema.json` describes it.
 */
import type { StrategyComparison } from '../strategy-comparison.js';

/** @param pairs the documents of `faultline diff`, in the order of the comparison's pairs */
export function differencesJson({ against, tests }: StrategyComparison, pairs: readonly object[]): Readonly<Record<string, unknown>> {
  return {
    against,
    tests: tests.map(({ experiment, rate, first, second, difference, adjustedP }) => ({
      experiment,
      rate,
      first,
      second,
      difference,
      adjustedP,
    })),
    pairs,
  };
}
