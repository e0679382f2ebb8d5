/** What the texts of `faultline diff`, and of `faultline analyze` and `faultline run` on several experiments, have in common. */
import type { DifferenceWarning } from '../reports/difference.js';
import { visibleLine } from '../reports/render/visible.js';

/** One line. */
export function warningText({ text, reason, source }: DifferenceWarning): string {
  return `warning: ${visibleLine(text)} Why: ${reason} (${source}).`;
}
