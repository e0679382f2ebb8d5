/** Computations in steps: with the result of all of them, and a signal comes in between. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
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

it('steps that are stopped are ended where they are, and keep what they have finished', async () => {
  const kept: number[] = [];
  const stop = new AbortController();
  function* steps(): Steps<void> {
    let step = 0;
    try {
      for (; ; step++) {
        // Once they have begun: what has not has nothing to keep.
        if (step === 0) setTimeout(() => { stop.abort(new Error('a timer')); }, 0); // prettier-ignore
        const until = performance.now() + 25;
        while (performance.now() < until);
        yield;
      }
    } finally {
      kept.push(step);
    }
  }
  await expect(inTurns(steps(), stop.signal)).rejects.toThrow('a timer');
  expect(kept).toHaveLength(1);
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

      // And while it draws and writes, whatever it is at: the files are the old ones, to the byte, and no other is there.
      const files = (): string[] => readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
      const contents = (): string[] =>
        files().flatMap((name) =>
          statSync(path.join(directory, name)).isFile() ? [readFileSync(path.join(directory, name), 'latin1')] : [],
        );
      const [names, before] = [files(), contents()];
      for (const after of ['figure', 'line'] as const) {
        const stopped = new AbortController();
        const watched = new Proxy(store, {
          get: (target, name) => {
            const value: unknown = Reflect.get(target, name);
            if (name !== 'judgedSamples' || bench.report === null)
              return typeof value === 'function' ? (value.bind(target) as unknown) : value;
            // The numbers are there, and the files begin: `figure` stops before the first, `line` within the samples' file.
            if (after === 'figure') stopped.abort(new Error('Ctrl-C'));
            return function* (id: number) {
              for (const row of target.judgedSamples(id)) {
                stopped.abort(new Error('Ctrl-C'));
                // Longer than the pauses are apart.
                const until = performance.now() + 25;
                while (performance.now() < until);
                yield row;
              }
            };
          },
        });
        bench.report = null;
        const other = Object.defineProperty(Object.create(bench) as Workbench, 'store', { value: watched });
        Object.defineProperty(other, 'report', { get: () => bench.report, set: (report: Workbench['report']) => (bench.report = report) });
        await expect(stage.work(other, stopped.signal)).rejects.toThrow('Ctrl-C');
        expect(bench.report).not.toBeNull();
        expect([files(), contents()]).toEqual([names, before]);
      }
      expect((await stage.work(bench, never)).done).toBeGreaterThan(0);
      expect([files(), contents()]).toEqual([names, before]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
