/** What samples cost, as comparisons print it: on a terminal and on the page. The numbers are `reports/costs.ts`'s. */
import type { Costs } from '../costs.js';
import { NO_VALUE, seconds, whole } from './format.js';

/** A cost each: its name, and its text. */
export const COSTS: readonly (readonly [name: string, text: (costs: Costs) => string])[] = [
  ['tokens', ({ tokens }) => whole(tokens)],
  ['drawing, by the clock', ({ drawSeconds }) => (drawSeconds === null ? NO_VALUE : seconds(drawSeconds))],
  ['programs executed', ({ executions }) => whole(executions)],
  ['CPU time of executions', ({ cpuSeconds }) => seconds(cpuSeconds)],
  ['executions, by the clock', ({ wallSeconds }) => seconds(wallSeconds)],
];
