/** Whether each strategy differs from the first one: its rates, and the kinds of its failures. */
import type { StrategyComparison, StrategyTest } from '../../strategy-comparison.js';
import { decimal, points, pointsInterval, probability } from '../format.js';
import { intervalTitle } from './estimate.js';
import { reportTable } from './table.js';

export const strategyTestsTable = reportTable<StrategyTest, StrategyComparison>({
  name: 'strategy-tests',
  caption: ({ against, bySetting: { intervals } }) =>
    `Each strategy against ${against}: differences in percentage points with ${intervals.confidence * 100} % intervals by paired bootstrap over problems, p-values by swaps within problems, adjusted by Benjamini and Hochberg for all rows, and Cramér's V of the kinds of failure.`,
  rows: ({ tests }) => tests,
  columns: ({ against, bySetting }) => [
    { key: 'experiment', value: ({ experiment }) => experiment, print: { title: 'experiment' } },
    { key: 'against', value: () => against },
    { key: 'rate', value: ({ rate }) => rate, print: { title: 'rate' } },
    { key: 'first', value: ({ first }) => first.share },
    { key: 'second', value: ({ second }) => second.share },
    {
      key: 'difference',
      value: ({ difference }) => difference.value,
      print: { title: 'difference', numeric: true, cell: ({ difference }) => points(difference.value) },
    },
    { key: 'difference_low', value: ({ difference }) => difference.low },
    { key: 'difference_high', value: ({ difference }) => difference.high },
    {
      key: null,
      value: () => null,
      print: {
        title: intervalTitle(bySetting.intervals.confidence),
        numeric: true,
        cell: ({ difference }) => pointsInterval(difference),
      },
    },
    { key: 'interval_method', value: ({ difference }) => difference.method },
    {
      key: 'p',
      value: ({ difference }) => difference.p,
      print: { title: 'p', numeric: true, cell: ({ difference }) => probability(difference.p) },
    },
    {
      key: 'adjusted_p',
      value: ({ adjustedP }) => adjustedP,
      print: { title: 'adjusted', numeric: true, cell: ({ adjustedP }) => probability(adjustedP) },
    },
    { key: 'problems', value: ({ pair }) => pair.difference.problems.compared },
    { key: 'pairs', value: ({ pair }) => pair.difference.pairs.pairs },
    { key: 'pairs_same_text', value: ({ pair }) => pair.difference.pairs.sameText },
    { key: 'pairs_both_pass', value: ({ pair }) => pair.difference.pairs.bothPass },
    { key: 'pairs_only_first', value: ({ pair }) => pair.difference.pairs.onlyFirst },
    { key: 'pairs_only_second', value: ({ pair }) => pair.difference.pairs.onlySecond },
    { key: 'pairs_neither', value: ({ pair }) => pair.difference.pairs.neither },
    { key: 'mcnemar_mid_p', value: ({ pair }) => pair.difference.pairs.mcnemar?.midP ?? null },
    {
      key: 'failures_chi_square',
      value: ({ pair }) => (pair.difference.failures.degrees === 0 ? null : pair.difference.failures.chiSquare),
    },
    { key: 'failures_degrees', value: ({ pair }) => pair.difference.failures.degrees },
    { key: 'failures_p', value: ({ pair }) => pair.difference.failures.p },
    {
      key: 'failures_cramers_v',
      value: ({ pair }) => pair.difference.failures.cramersV.value,
      print: { title: 'V', numeric: true, cell: ({ pair }) => decimal(pair.difference.failures.cramersV.value, 2) },
    },
    { key: 'failures_cramers_v_low', value: ({ pair }) => pair.difference.failures.cramersV.low },
    { key: 'failures_cramers_v_high', value: ({ pair }) => pair.difference.failures.cramersV.high },
  ],
});
