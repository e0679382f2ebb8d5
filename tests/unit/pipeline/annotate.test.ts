/** Which samples are drawn for people to label: failures, and nothing that is in no rate. How they are drawn is `tests/unit/reports/annotation/`'s. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { defaultValues } from '../../../src/config/defaults.js';
import { drawStored } from '../../../src/pipeline/annotate.js';
import { createCategoryView } from '../../../src/pipeline/category-view.js';
import { classifyStored } from '../../../src/pipeline/classify.js';
import { Store } from '../../../src/store/store.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { verdict } from '../sandbox/verdicts.js';
import { decision, execution, manifest, problems, sample } from '../store/rows.js';

it('draws no sample of a problem that is at fault, although some have a verdict of their own', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'faultline-annotate-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const database = path.join(folder, 'faultline.db');
  const [faulty, sound] = problems(2);
  const indices = [...Array(6).keys()];
  {
    using store = Store.open(database);
    const { id } = store.beginExperiment(manifest());
    store.addProblems(id, [faulty!, sound!]);
    for (const problem of [faulty!, sound!]) {
      const raised = indices.map((index) => execution(problem, index)).find(({ outcome }) => outcome === 'crash')!;
      store.addSamples(id, indices.map((index) => sample(problem, index))); // prettier-ignore
      store.addExecutions(id, indices.map((sampleIndex) => ({ ...raised, sampleIndex }))); // prettier-ignore
    }
    store.addSamples(id, [sample(faulty!, 6)]);
    const fault = { status: 'infra', reason: 'the test itself raised NameError: x' } as const;
    store.addExecutions(id, [{ ...execution(faulty!, 6), ...decision({ outcome: 'infra' }), verdict: verdict(fault) }]);
    const view = createCategoryView(defaultValues(), CATEGORIES);
    await classifyStored(store, id, { view, signal: new AbortController().signal });
  }
  const values = { ...defaultValues(), 'outputs.database': database, 'outputs.directory': folder };
  const drawn = await drawStored(values, { experiment: undefined, output: undefined, count: 100, floor: 1, seed: 0n });
  expect(drawn).toMatchObject({ failures: indices.length, leaves: 1, otherwiseStored: 0 });
  expect(readFileSync(drawn.files.key, 'utf8')).not.toContain(faulty!.taskId);
});
