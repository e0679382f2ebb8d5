/**
 * Cliff's delta: how far one group's values lie above the other's, whatever their distribution. P(a > b) - P(a < b), which is
 * 2 x AUROC - 1 with the first group as positives: one is reported where groups are compared, the other where a class is predicted.
 *
 * Source: N. Cliff, "Dominance statistics: ordinal analyses to answer ordinal questions", Psychol. Bull. 114 (1993).
 */
import { auroc, aurocByProblem } from './auroc.js';
import type { Bootstrap, Estimate } from './bootstrap.js';

/**
 * From -1 (every value of the first group is smaller) to 1; 0 where neither is larger more often. Null where a group is empty.
 * Time: n log n.
 * @throws RangeError where a value is not finite
 */
export function cliffsDelta(first: readonly number[], second: readonly number[]): number | null {
  const positive = [...first.map(() => true), ...second.map(() => false)];
  const area = auroc({ scores: [...first, ...second], positive });
  return area === null ? null : 2 * area - 1;
}

/**
 * Of the problems' rates, second against first, with its BCa interval over problems: the chance that a problem of the second has a
 * higher rate than one of the first, less the chance of a lower one. It looks at all pairs of problems, so that how hard they are does not cancel out.
 * Rates of unequal numbers of samples are not to be compared so: of one sample they are 0 or 1, of many hardly ever.
 */
export function rateDominance(bootstrap: Bootstrap, first: readonly number[], second: readonly number[]): Estimate {
  const problems = [...first.keys(), ...second.keys()];
  const positive = [...first.map(() => false), ...second.map(() => true)];
  const { value: area, low, high, method } = aurocByProblem(bootstrap, { scores: [...first, ...second], positive, problems }).pooled;
  const delta = (of: number | null): number | null => (of === null ? null : 2 * of - 1);
  return { value: area === null ? null : cliffsDelta(second, first), low: delta(low), high: delta(high), method };
}
