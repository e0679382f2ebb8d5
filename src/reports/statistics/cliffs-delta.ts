/**
 * Cliff's delta: how far one group's values lie above the other's, whatever their distribution. P(a > b) - P(a < b), which is
 * 2 x AUROC - 1 with the first group as positives: one is reported where groups are compared, the other where a class is predicted.
 *
 * Source: N. Cliff, "Dominance statistics: ordinal analyses to answer ordinal questions", Psychol. Bull. 114 (1993).
 */
import { auroc } from './auroc.js';

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
