/** Deciding again about what is stored: counted as it was before, all or nothing, and never two configs' decisions side by side. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultValues } from '../../../src/config/defaults.js';
import { createCategoryView } from '../../../src/pipeline/category-view.js';
import { classifyStored } from '../../../src/pipeline/classify.js';
import { Store } from '../../../src/store/store.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { execution, manifest, problems, sample } from '../store/rows.js';

const PROBLEMS = problems(4);
const SAMPLES = 100;
const TOTAL = PROBLEMS.length * SAMPLES;
const never = new AbortController().signal;
const plain = createCategoryView(defaultValues(), CATEGORIES);
const renamed = createCategoryView({ ...defaultValues(), 'categories.rename': { '4.1': 'undefined_name' } }, CATEGORIES);
const merged = createCategoryView({ ...defaultValues(), 'categories.merge': { '4.1': '4.10' } }, CATEGORIES);

let folder: string;
let store: Store;
let id: number;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-classify-'));
  [store, id] = fill('faultline.db');
  await classifyStored(store, id, { view: plain, signal: never });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** All samples have raised a NameError. */
function fill(name: string): [Store, number] {
  const made = Store.open(path.join(folder, name));
  const experiment = made.beginExperiment(manifest()).id;
  made.addProblems(experiment, PROBLEMS);
  for (const problem of PROBLEMS) {
    const indices = [...Array(SAMPLES).keys()];
    const raised = indices.map((index) => execution(problem, index)).find(({ verdict }) => verdict.outcome.status === 'exception')!;
    made.addSamples(experiment, indices.map((index) => sample(problem, index))); // prettier-ignore
    made.addExecutions(experiment, indices.map((sampleIndex) => ({ ...raised, sampleIndex }))); // prettier-ignore
  }
  return [made, experiment];
}

const codes = (): Record<string, number> => Object.fromEntries(store.counts(id).categories.map(({ code, count }) => [code, count]));
const settings = (): string | null => store.experiments()[0]!.categorySettings;

it('counts each decision that a new name changes, although the first one renames the category for all', async () => {
  expect(codes()).toEqual({ '4.1': TOTAL });
  expect(await classifyStored(store, id, { view: plain, signal: never })).toBe(0);
  let decided = 0;
  expect(await classifyStored(store, id, { view: renamed, signal: never, onDecided: () => decided++ })).toBe(TOTAL);
  expect(decided).toBe(TOTAL);
  expect(store.categories(id)).toMatchObject([{ categoryCode: '4.1', categoryName: 'undefined_name' }]);
  expect(settings()).toBe(renamed.settings);
});

it('replaces all or nothing: stopped on the way it leaves decisions and record as they were, and does all the next time', async () => {
  const stop = new AbortController();
  const digest = store.resultDigest(id);
  let decided = 0;
  const stopped = classifyStored(store, id, {
    view: merged,
    signal: stop.signal,
    onDecided: () => {
      if (++decided !== 150) return;
      // As Ctrl-C: at a turn of the event loop, which is due once this step has taken long.
      setImmediate(() => {
        stop.abort(new Error('Ctrl-C'));
      });
      const until = performance.now() + 50;
      while (performance.now() < until);
    },
  });
  await expect(stopped).rejects.toThrow('Ctrl-C');
  expect(decided).toBeGreaterThanOrEqual(150);
  expect(decided).toBeLessThan(TOTAL);
  expect([codes(), settings(), store.resultDigest(id)]).toEqual([{ '4.1': TOTAL }, plain.settings, digest]);

  expect(await classifyStored(store, id, { view: merged, signal: never })).toBe(TOTAL);
  expect([codes(), settings()]).toEqual([{ '4.10': TOTAL }, merged.settings]);
  const [whole, other] = fill('whole.db');
  await classifyStored(whole, other, { view: merged, signal: never });
  expect(store.resultDigest(id)).toBe(whole.resultDigest(other));
  whole.close();
});

it('leaves everything as it was where an error ends it, with most decided', async () => {
  let decided = 0;
  const failing = classifyStored(store, id, {
    view: merged,
    signal: never,
    onDecided: () => {
      if (++decided === TOTAL - 1) throw new Error('failed');
    },
  });
  await expect(failing).rejects.toThrow('failed');
  expect([codes(), settings()]).toEqual([{ '4.1': TOTAL }, plain.settings]);
});

it('records how categories are counted together with the decisions, or neither', () => {
  const other = { ...execution(PROBLEMS[0]!, 0), categoryCode: '4.10', categoryName: 'crash.other' };
  expect(() => {
    store.replaceClassification(id, [other, { ...other, sampleIndex: SAMPLES }], merged.settings);
  }).toThrow();
  expect([codes(), settings()]).toEqual([{ '4.1': TOTAL }, plain.settings]);
});

it('stopped before anything is replaced leaves what was recorded', async () => {
  await expect(classifyStored(store, id, { view: merged, signal: AbortSignal.abort(new Error('at once')) })).rejects.toThrow('at once');
  expect([codes(), settings()]).toEqual([{ '4.1': TOTAL }, plain.settings]);
});
