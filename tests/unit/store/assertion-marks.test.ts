/** Marks of assertions in the store: kept once per problem, whatever the experiment, and no results. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import type { AssertionMarks } from '../../../src/store/types.js';
import { manifest, problems } from './rows.js';

const PROBLEMS = problems(3);
let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-marks-'));
  store = Store.open(path.join(folder, 'faultline.db'));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const marks = (place: number, fields: Partial<AssertionMarks> = {}): AssertionMarks => ({
  taskId: PROBLEMS[place]!.taskId,
  examples: 2,
  total: 4,
  visible: [0, 2],
  missing: null,
  ...fields,
});

function begin(name: string): number {
  const { id } = store.beginExperiment(manifest({ name, hash: name.repeat(64) }));
  store.addProblems(id, PROBLEMS);
  return id;
}

it('are kept by problem, in the order of the problem file; the first ones that are known stay', () => {
  const id = begin('a');
  const unknown = marks(0, { examples: null, total: null, visible: [], missing: 'why' });
  store.addAssertionMarks(id, [marks(2), unknown]);
  store.addAssertionMarks(id, [marks(2, { visible: [1] })]);
  expect(store.assertionMarks(id)).toEqual([unknown, marks(2)]);
  expect(() => {
    store.addAssertionMarks(id, [marks(1), marks(0, { taskId: 'Task/9' })]);
  }).toThrow(/no problem Task\/9/);
  expect(store.assertionMarks(id)).toHaveLength(2);
});

it('take the place of the reason why there were none, and no reason takes theirs', () => {
  const id = begin('a');
  const unknown = (missing: string): AssertionMarks => marks(0, { examples: null, total: null, visible: [], missing });
  store.addAssertionMarks(id, [unknown('why')]);
  store.addAssertionMarks(id, [unknown('why not')]);
  expect(store.assertionMarks(id)).toEqual([unknown('why not')]);
  store.addAssertionMarks(id, [marks(0)]);
  store.addAssertionMarks(id, [unknown('why')]);
  expect(store.assertionMarks(id)).toEqual([marks(0)]);
});

it('serve every experiment with the problem, and the digest of none', () => {
  const id = begin('a');
  const before = store.resultDigest(id);
  store.addAssertionMarks(id, [marks(1)]);
  expect(store.resultDigest(id)).toBe(before);
  expect(store.assertionMarks(begin('b'))).toEqual([marks(1)]);
  const { columns, rows } = store.ask("SELECT * FROM assertions_by_problem WHERE experiment = 'b'", 9);
  const of = (column: string): unknown => rows[0]![columns.indexOf(column)];
  expect(['task_id', 'assertions', 'visible', 'hidden', 'visible_places'].map(of)).toEqual(['Task/2', 4, 2, 2, '[0,2]']);
});
