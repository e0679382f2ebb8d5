/** What `doctor --plan` prints: one line a part of the plan, then what fits. The numbers are `pipeline/memory-plan.ts`'s. */
import { BATCH_MOST } from '../config/schema.js';
import type { PlanReport } from '../pipeline/memory-plan.js';

export function renderPlan(plan: PlanReport): string {
  const { device, deviceName, samples, promptTokens, newTokens, slots, defaultBatch, mostSlots } = plan;
  const own = slots * plan.suffixBytes;
  const rows: [string, string][] = [
    ['model', `${plan.model} in ${plan.dtype}`],
    ['device', `${device === 'cpu' ? 'cpu' : `${device}, ${deviceName}`} (${plan.deviceReason})`],
    ['weights', `${mebibytes(plan.weightBytes)}, beside the budget`],
    ['budget', mebibytes(plan.budgetBytes)],
    ...(plan.reserveBytes > 0
      ? [['reserve', `${mebibytes(plan.reserveBytes)} of what is free, which no budget may take`] satisfies [string, string]]
      : []),
    ['prefix', `${mebibytes(plan.prefixBytes)}: a prompt of ${promptTokens} tokens, stored once`],
    ['suffixes', `${mebibytes(own)}: ${slots} x ${mebibytes(plan.suffixBytes)} of ${newTokens} new tokens`],
    ['activations', mebibytes(plan.activationBytes)],
    ['in all', `${mebibytes(plan.plannedBytes)} for ${slots} of ${samples} samples at a time`],
    ['default', `at most ${defaultBatch} samples at a time where --batch does not say otherwise`],
    ['largest', `${mostSlots} samples at a time fit the budget${mostSlots === BATCH_MOST ? '; --batch takes no more' : ''}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return rows.map(([name, text]) => `${name.padEnd(width)}${text}`).join('\n');
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 * 10 ? 2 : 0)} MiB`;
}
