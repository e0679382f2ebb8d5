/** What the texts of `faultline diff`, and of `faultline analyze` and `faultline run` on several experiments, have in common. */
import type { DifferenceWarning } from '../reports/difference.js';
import type { KindsTest } from '../reports/effect-sizes.js';
import { decimal, NO_VALUE, plural, probability } from '../reports/render/format.js';
import { visibleLine } from '../reports/render/visible.js';
import type { Estimate } from '../reports/statistics/bootstrap.js';

/** One line. */
export function warningText({ text, reason, source }: DifferenceWarning): string {
  return `warning: ${visibleLine(text)} Why: ${reason} (${source}).`;
}

/**
 * One line: whether failures are of other kinds.
 * @param arranged how the p-value was made, such as `by swaps within problems`
 */
export function kindsText({ degrees, chiSquare, p, cramersV }: KindsTest, arranged: string): string {
  if (degrees === 0) return 'kinds of failure: nothing to compare';
  const size = (value: number | null): string => (value === null ? NO_VALUE : decimal(value, 2));
  return (
    `kinds of failure: Cramér's V ${size(cramersV.value)}${intervalText(cramersV, size)}, chi-square ${decimal(chiSquare, 1)} with ` +
    `${plural(degrees, 'degree')} of freedom, p ${probability(p)} ${arranged}, as failures of one problem are not independent`
  );
}

/** In brackets behind a value; empty where there is none. */
export function intervalText({ low, high }: Pick<Estimate, 'low' | 'high'>, text: (value: number) => string): string {
  return low === null || high === null ? '' : ` (${text(low)} to ${text(high)})`;
}
