/** Measuring what is stored: each sample against its own problem's solution, interruptible, and never twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { measureStored } from '../../../src/pipeline/measure.js';
import { Store } from '../../../src/store/store.js';
import { measureText } from '../../../src/text-metrics/measure-text.js';
import { execution, manifest, problems, sample } from '../store/rows.js';

const PROBLEMS = problems(4).map((problem) => (problem.position === 3 ? { ...problem, canonicalSolution: ' \n' } : problem));
let folder: string;
let store: Store;
let id: number;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-measure-'));
  store = Store.open(path.join(folder, 'faultline.db'));
  id = store.beginExperiment(manifest()).id;
  store.addProblems(id, PROBLEMS);
  // By index, not by problem: as continuous batching stores them.
  for (let index = 0; index < 5; index++)
    store.addSamples(id, PROBLEMS.map((problem) => sample(problem, index))); // prettier-ignore
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const never = new AbortController().signal;

describe('measureStored', () => {
  it('stores for each sample what its text is like beside its own problem', async () => {
    let measured = 0;
    await measureStored(store, id, never, () => measured++);
    expect([measured, store.measuredCount(id)]).toEqual([20, 20]);
    const judged = PROBLEMS.flatMap((problem) => [0, 1, 2, 3, 4].map((index) => execution(problem, index)));
    store.addExecutions(id, judged);
    for (const { taskId, sampleIndex, completion, measures } of store.measuredSamples(id)) {
      const problem = PROBLEMS.find((each) => each.taskId === taskId)!;
      // A blank solution is none.
      const reference = problem.position === 3 ? null : problem.canonicalSolution;
      expect(measures).toEqual(measureText({ completion, reference, tokens: sample(problem, sampleIndex) }));
      expect([measures!.bleu === null, measures!.ast_match === null]).toEqual([problem.position === 3, problem.position === 3]);
      expect(measures!.characters).toBeGreaterThan(0);
    }
  });

  it('keeps what is done when it is stopped, and goes on from there', async () => {
    const stop = new AbortController();
    let measured = 0;
    const stopped = measureStored(store, id, stop.signal, () => {
      if (++measured === 7) stop.abort(new Error('enough'));
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(store.measuredCount(id)).toBe(7);
    await measureStored(store, id, never, () => measured++);
    expect([measured, store.measuredCount(id)]).toEqual([20, 20]);
    await measureStored(store, id, never, () => measured++);
    expect(measured).toBe(20);
  });

  it('measures again what was measured by an earlier table of measures', async () => {
    await measureStored(store, id, never, () => undefined);
    const direct = new Database(path.join(folder, 'faultline.db'));
    direct.exec('UPDATE text_measures SET is_stale = 1, ast_match = NULL WHERE sample_id % 2 = 0');
    const values = () => direct.prepare('SELECT sample_id, bleu, ast_match, is_stale FROM text_measures ORDER BY 1').all();
    const stale = values();
    let measured = 0;
    await measureStored(store, id, never, () => measured++);
    const now = values() as { bleu: number | null; ast_match: number | null; is_stale: number }[];
    direct.close();
    expect([measured, store.measuredCount(id)]).toEqual([10, 20]);
    expect(now).not.toEqual(stale);
    expect(now.every((row) => row.is_stale === 0 && (row.ast_match === null) === (row.bleu === null))).toBe(true);
  });

  it('lets a signal come between two samples', async () => {
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort(new Error('a timer'));
    }, 0);
    await expect(
      measureStored(store, id, stop.signal, () => {
        // Longer than the timer waits, so that it is due at the next turn of the event loop.
        const until = performance.now() + 5;
        while (performance.now() < until);
      }),
    ).rejects.toThrow('a timer');
    expect(store.measuredCount(id)).toBeLessThan(20);
  });
});
