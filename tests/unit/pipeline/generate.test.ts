/** Samples of a model that computes what is no number: named, and what was finished before is out. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import type { Model, Sample } from '../../../src/decoding/model.js';
import { NOT_FINITE } from '../../../src/engine/types.js';
import type { FaultlineError } from '../../../src/errors.js';
import { generateSamples } from '../../../src/pipeline/generate.js';
import type { SampleRow } from '../../../src/store/types.js';
import { problems, sample } from '../store/rows.js';

const PROBLEM = { ...problems(1)[0]!, difficulty: null };
const GOOD = sample(PROBLEM, 0);

async function drawn(samples: readonly SampleRow[]): Promise<{ rows: SampleRow[]; error: FaultlineError | null }> {
  // Drawing alone is asked of it.
  const model = {
    // eslint-disable-next-line @typescript-eslint/require-await -- as the engine's
    async *generate() {
      yield* samples as unknown as Sample[];
    },
  } as unknown as Model;
  const tasks = [{ problem: PROBLEM as never, sampleIndices: [0, 1] }];
  const rows: SampleRow[] = [];
  try {
    for await (const row of generateSamples(model, loadConfig({}).values, tasks, new AbortController().signal)) rows.push(row);
    return { rows, error: null };
  } catch (thrown) {
    return { rows, error: thrown as FaultlineError };
  }
}

describe('generateSamples', () => {
  const with_ = (name: 'logprobs' | 'entropies', value: number): SampleRow => {
    const values = GOOD[name].slice();
    values[values.length - 1] = value;
    return { ...GOOD, sampleIndex: 1, [name]: values };
  };

  it.each([
    ['logits', { ...GOOD, sampleIndex: 1, finishReason: 'error', error: NOT_FINITE }],
    ['a log-probability', with_('logprobs', NaN)],
    ['an infinite one', with_('logprobs', -Infinity)],
    ['an entropy', with_('entropies', NaN)],
  ])('stops at a sample with %s that is not finite', async (_, bad) => {
    const { rows, error } = await drawn([GOOD, bad]);
    expect(rows.map(({ sampleIndex }) => sampleIndex)).toEqual([0]);
    expect([error?.name, error?.kind]).toEqual(['FaultlineError', 'input']);
    expect(error?.message).toContain(`sample 1 of ${PROBLEM.taskId}: the model`);
    expect(error?.hint).toContain('the same command goes on');
  });

  it('lets a sample carry any other error', async () => {
    const { rows, error } = await drawn([{ ...GOOD, error: 'the prompt leaves no room' }]);
    expect([rows.map((row) => row.error), error]).toEqual([['the prompt leaves no room'], null]);
  });
});
