/** What samples cost, as reports and comparisons print it: on a terminal, on the page and in LaTeX. The numbers are `reports/costs.ts`'s. */
import type { Costs } from '../costs.js';
import { decimal, NO_VALUE, seconds, whole } from './format.js';

/** A cost each: its name, and its text. */
export const COSTS: readonly (readonly [name: string, text: (costs: Costs) => string])[] = [
  ['tokens', ({ tokens }) => whole(tokens)],
  ['drawing, by the clock', ({ drawSeconds }) => (drawSeconds === null ? NO_VALUE : seconds(drawSeconds))],
  ['programs executed', ({ executions }) => whole(executions)],
  ['CPU time of executions', ({ cpuSeconds }) => seconds(cpuSeconds)],
  ['executions, by the clock', ({ wallSeconds }) => seconds(wallSeconds)],
];

/** A large count with few digits: with all of them, rates and their costs are wider than a page. */
export function shortCount(count: number): string {
  if (count >= 1_000_000) return `${(count / 1_000_000).toFixed(2)} M`;
  return count >= 10_000 ? `${(count / 1_000).toFixed(0)} k` : whole(count);
}

/** Seconds as short, without their unit. */
export function shortSeconds(value: number | null): string {
  if (value === null) return NO_VALUE;
  return value < 10 ? decimal(value, value < 1 ? 2 : 1) : shortCount(Math.round(value));
}
