/** Which problems are marked, and tried again: what the sandbox finds about each is `tests/integration/sandbox/assertion-marks.test.ts`'s. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { markAssertions } from '../../../src/pipeline/assertion-marks.js';
import type { Outcome } from '../../../src/sandbox/verdict.js';
import { Store } from '../../../src/store/store.js';
import { verdict } from '../sandbox/verdicts.js';
import { manifest, problems } from '../store/rows.js';
import { fakeExecutor, type FakeExecutor } from './fake-executor.js';

const PROBLEMS = problems(3);
const PASSED: Outcome = { status: 'passed' };
const MEMORY: Outcome = { status: 'limit', resource: 'memory', exception: null };

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-marking-'));
  store = Store.open(path.join(folder, 'faultline.db'));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

function begin(name: string): number {
  const { id } = store.beginExperiment(manifest({ name, hash: name.repeat(64) }));
  store.addProblems(id, PROBLEMS);
  return id;
}

/** Marks with a sandbox in which the canonical solution of the first problem comes to `first`, and the others pass. */
async function marking(id: number, first: Outcome): Promise<{ executor: FakeExecutor; notes: string[] }> {
  const notes: string[] = [];
  const executor = fakeExecutor(({ taskId }) =>
    verdict(taskId === PROBLEMS[0]!.taskId ? first : PASSED, { assertions: { total: 1, passed: 1, trials: [] } }),
  );
  await markAssertions(store, id, { executor, seed: 1n, signal: new AbortController().signal, note: (text) => notes.push(text) });
  return { executor, notes };
}

const missing = (id: number): (string | null)[] => store.assertionMarks(id).map((marks) => marks.missing);

it('are tried again in a later experiment where the limits of an earlier one left nothing', async () => {
  const first = await marking(begin('a'), MEMORY);
  expect(first.executor.jobs).toHaveLength(3);
  expect(first.notes).toEqual([expect.stringMatching(/^Task\/3: the canonical solution fails \(limit\)/)]);
  expect(missing(begin('a'))).toEqual(['the canonical solution fails (limit)', null, null]);
  const later = begin('b');
  const second = await marking(later, PASSED);
  // What is known is not looked at again.
  expect(second.executor.jobs.map(({ taskId }) => taskId)).toEqual([PROBLEMS[0]!.taskId]);
  expect(missing(later)).toEqual([null, null, null]);
  expect((await marking(later, PASSED)).executor.jobs).toEqual([]);
});

it('that fail again in the same way are told of once', async () => {
  const id = begin('a');
  await marking(id, MEMORY);
  expect((await marking(id, MEMORY)).notes).toEqual([]);
});
