/** Computations in steps: with the result of all of them, and a signal comes in between. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stage } from '../../../src/pipeline/stages/report.js';
import { inTurns } from '../../../src/pipeline/turns.js';
import type { Workbench } from '../../../src/pipeline/workbench.js';
import type { Steps } from '../../../src/reports/steps.js';
import { Store } from '../../../src/store/store.js';
import { execution, manifest, problems, sample } from '../store/rows.js';

const never = new AbortController().signal;

describe('inTurns', () => {
  it('runs every step, in order', async () => {
    const seen: number[] = [];
    function* steps(): Steps<string> {
      for (let step = 0; step < 5; step++) {
        seen.push(step);
        yield;
      }
      return 'all';
    }
    expect(await inTurns(steps(), never)).toBe('all');
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it('lets a signal come between two steps, and what they throw out', async () => {
    const stop = new AbortController();
    setTimeout(() => {
      stop.abort(new Error('a timer'));
    }, 0);
    function* long(): Steps<string> {
      for (let step = 0; step < 2_000; step++) {
        const until = performance.now() + 5;
        while (performance.now() < until);
        yield;
      }
      return 'nobody came in between';
    }
    await expect(inTurns(long(), stop.signal)).rejects.toThrow('a timer');
    function* failing(): Steps<string> {
      throw new Error('a step');
    }
    await expect(inTurns(failing(), never)).rejects.toThrow('a step');
  });
});

describe('the stage report', () => {
  it('is stopped by the signal while it computes, and has written nothing', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'faultline-turns-'));
    try {
      using store = Store.open(path.join(folder, 'faultline.db'));
      const experiment = store.beginExperiment(manifest());
      const all = problems(4);
      store.addProblems(experiment.id, all);
      for (const problem of all) {
        store.addSamples(experiment.id, [sample(problem, 0), sample(problem, 1)]);
        store.addExecutions(experiment.id, [execution(problem, 0), execution(problem, 1)]);
      }
      const directory = path.join(folder, 'out');
      const bench = { store, directory, begun: () => experiment } as unknown as Workbench;
      const stop = new AbortController();
      // As a signal comes: at a turn of the event loop, after the stage has begun.
      setImmediate(() => {
        stop.abort(new Error('Ctrl-C'));
      });
      await expect(stage.work(bench, stop.signal)).rejects.toThrow('Ctrl-C');
      expect(readdirSync(folder)).not.toContain('out');
      expect((await stage.work(bench, never)).done).toBeGreaterThan(0);
      expect(readdirSync(directory)).toContain('report.html');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
