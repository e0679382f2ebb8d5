/** What the texts of `faultline diff`, and of `faultline analyze` on several experiments, have in common. */
import type { Costs } from '../reports/costs.js';
import type { DifferenceWarning } from '../reports/difference.js';
import { NO_VALUE, seconds, whole } from '../reports/render/format.js';
import { visibleLine } from '../reports/render/visible.js';

/** A cost each: its name, and its text. */
export const COSTS: readonly (readonly [name: string, text: (costs: Costs) => string])[] = [
  ['tokens', ({ tokens }) => whole(tokens)],
  ['drawing, by the clock', ({ drawSeconds }) => (drawSeconds === null ? NO_VALUE : seconds(drawSeconds))],
  ['programs executed', ({ executions }) => whole(executions)],
  ['CPU time of executions', ({ cpuSeconds }) => seconds(cpuSeconds)],
  ['executions, by the clock', ({ wallSeconds }) => seconds(wallSeconds)],
];

/** One line. */
export function warningText({ text, reason, source }: DifferenceWarning): string {
  return `warning: ${visibleLine(text)} Why: ${reason} (${source}).`;
}
