/** What `doctor --plan` prints of a plan. Where the numbers come from is tests/native/session_batch_test.cc's. */
import { expect, it } from 'vitest';
import { renderPlan } from '../../../src/cli/plan-text.js';
import type { PlanReport } from '../../../src/pipeline/memory-plan.js';

const MiB = 2 ** 20;
const plan: PlanReport = {
  model: '/models/gpt2',
  dtype: 'float32',
  device: 'cpu',
  deviceName: 'a CPU',
  deviceReason: 'the CPU was asked for',
  samples: 100,
  promptTokens: 150,
  newTokens: 128,
  weightBytes: 475 * MiB,
  budgetBytes: 1024 * MiB,
  reserveBytes: 700 * MiB,
  activationBytes: 50 * MiB,
  prefixBytes: 10.5 * MiB,
  suffixBytes: 9 * MiB,
  plannedBytes: 960.5 * MiB,
  slots: 100,
  defaultBatch: 128,
  mostSlots: 107,
  fits: true,
};

it('has a line for each part', () => {
  expect(renderPlan(plan).split('\n')).toEqual([
    'model        /models/gpt2 in float32',
    'device       cpu (the CPU was asked for)',
    'weights      475 MiB, beside the budget',
    'budget       1024 MiB',
    'reserve      700 MiB of what is free, which no budget may take',
    'prefix       11 MiB: a prompt of 150 tokens, stored once',
    'suffixes     900 MiB: 100 x 9.00 MiB of 128 new tokens',
    'activations  50 MiB',
    'in all       961 MiB for 100 of 100 samples at a time',
    'default      at most 128 samples at a time where --batch does not say otherwise',
    'largest      107 samples at a time fit the budget',
  ]);
});

it('says where fewer fit, and where --batch takes no more', () => {
  const text = renderPlan({ ...plan, device: 'cuda', deviceName: 'a GPU', reserveBytes: 0, samples: 500, slots: 107, fits: false });
  expect(text).toContain('cuda, a GPU (');
  expect(text).not.toContain('reserve');
  expect(text).toContain('for 107 of 500 samples at a time');
  expect(renderPlan({ ...plan, mostSlots: 65_536 })).toContain('65536 samples at a time fit the budget; --batch takes no more');
});
