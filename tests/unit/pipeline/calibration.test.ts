/** What an estimate says of memory: the loaded model's own plan. Its time is measured, and `estimate.test.ts`'s where it is arithmetic. */
import { expect, it } from 'vitest';
import { defaultValues } from '../../../src/config/defaults.js';
import { Model } from '../../../src/decoding/model.js';
import { generationEstimate } from '../../../src/pipeline/calibration.js';
import { stage as report } from '../../../src/pipeline/stages/report.js';
import type { Workbench } from '../../../src/pipeline/workbench.js';
import { byteTokenizer, FakeEngine } from '../decoding/fixtures.js';
import { problems } from '../store/rows.js';

it('is what the loaded model plans for these samples: nothing is planned for a model that would have to be loaded first', async () => {
  const engine = new FakeEngine(() => ({ bytes: Buffer.from('x') }));
  Object.assign(engine.info, { context: 512, defaultBatch: 128, device: 'cpu' });
  // Nowhere, and of no samples: a plan from files would fail.
  const values = { ...defaultValues(), 'model.path': '/no/such/model', max_new_tokens: 9 };
  const tasks = problems(3).map(({ taskId, prompt, entryPoint, canonicalSolution, test }, index) => ({
    problem: { taskId, prompt, entryPoint, canonicalSolution, test, extra: {} },
    sampleIndices: [...Array(index + 1).keys()],
  }));
  const drawing = {
    values,
    tasks,
    signal: new AbortController().signal,
    loadModel: () => Promise.resolve(Model.of(engine, byteTokenizer())),
  };
  const estimate = await generationEstimate(drawing, true, null);
  expect(estimate).toMatchObject({ tokens: 9 });
  // What is not drawn takes no time: the shortest prompt leaves the most room.
  const shortest = Math.min(...tasks.map(({ problem }) => problem.prompt.length));
  const endless = await generationEstimate(
    { ...drawing, values: { ...values, max_new_tokens: 1_000_000, prompt_boundary: 'none' } },
    true,
    null,
  );
  expect(endless).toMatchObject({ tokens: 512 - shortest, basis: expect.stringContaining(`up to ${512 - shortest} tokens`) as string });
  // So is what may be left out as little: six samples of 512 tokens at most, whatever was asked for.
  expect(await generationEstimate({ ...drawing, values: { ...values, max_new_tokens: 1_000_000 } }, false, null)).toBeNull();
  // And the report's disk.
  const model = await drawing.loadModel();
  const reportOf = (max_new_tokens: number) =>
    report.estimate(
      {
        ...{ ...drawing, values: { ...values, max_new_tokens, prompt_boundary: 'none' }, model, experiment: null },
        ahead: () => Promise.resolve({ experimentId: null, problems: problems(3) }),
        expected: () => ({ samples: 6, verdicts: 6 }),
      } as unknown as Workbench,
      true,
    );
  expect((await reportOf(1_000_000))!.diskBytes).toBe((await reportOf(512 - shortest))!.diskBytes);
  expect((await reportOf(1_000_000))!.diskBytes).toBeGreaterThan((await reportOf(9))!.diskBytes);
  const { weightBytes, plannedBytes } = engine.plan;
  expect(estimate).toMatchObject({
    memoryBytes: weightBytes + plannedBytes,
    memoryOf: 'weights 3.0 GiB, keys, values and activations 5 MiB',
  });
  // All that is to be drawn was asked about, and not what was drawn to measure.
  expect(engine.checked.map(({ sampleIndices }) => sampleIndices.length)).toEqual([1, 2, 3]);
});
