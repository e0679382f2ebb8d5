/**
 * Blocked time: what is made of clocks and run delays, by itself; and programs and tests that compute beside busy loops, which are never blocked.
 * That programs are blocked which sleep, however they go about it, is the hostile suite's matter.
 */
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { kernelReport, SCRIPTS } from '../../../src/sandbox/launcher.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { ISOLATING_TIERS } from '../../../src/sandbox/tiers.js';
import { besideBusyLoops } from './busy-loops.js';
import { job, RIGHT, SLEEPS } from './jobs.js';
import { PYTHON } from './users.js';

/** Seconds since the candidate's start, its CPU seconds, each of its tasks' [on a core, in the queue], and whether it is its turn. */
type Look = readonly [wall: number, cpu: number, tasks: Readonly<Record<string, readonly [number, number]>> | null, ownTurn: boolean];

interface Found {
  readonly looks: readonly (readonly number[])[];
  readonly answers: readonly (Readonly<Record<string, readonly [number, number]>> | null)[];
}

function ask(given: {
  looks?: readonly (readonly Look[])[];
  answers?: readonly (readonly [early: string | null, text: string | null])[];
}): Found {
  const script = path.resolve(import.meta.dirname, 'blocked.py');
  const input = JSON.stringify({ looks: [], answers: [], ...given });
  return JSON.parse(execFileSync(PYTHON, ['-B', script, path.join(SCRIPTS)], { input, encoding: 'utf8', timeout: 60_000 })) as Found;
}

/** Blocked seconds after each look. */
const blocked = (...looks: Look[]): readonly number[] => ask({ looks: [looks] }).looks[0]!;

describe('blocked time', () => {
  it('is the wall clock less CPU time and run delay', () => {
    const asleep = [1, 2, 3].map((n): Look => [0.1 * n, 0.01 * n, { 7: [0.01 * n, 0] }, true]);
    expect(blocked(...asleep)).toEqual([0.09, 0.18, 0.27]);
    const busyAmongThree = [1, 2, 3].map((n): Look => [0.1 * n, 0.03 * n, { 7: [0.03 * n, 0.07 * n] }, true]);
    expect(blocked(...busyAmongThree)).toEqual([0, 0, 0]);
  });

  it('takes back what was held against a wait that is counted when it ends', () => {
    expect(blocked([0.1, 0.02, { 7: [0.02, 0] }, true], [0.2, 0.03, { 7: [0.03, 0.17] }, true])).toEqual([0.08, 0]);
    // And no more than that.
    expect(blocked([0.1, 0.1, { 7: [0.1, 0.05] }, true], [0.2, 0.1, { 7: [0.1, 0.05] }, true])).toEqual([0, 0.1]);
  });

  it('leaves out what is the judge’s', () => {
    expect(blocked([0.1, 0.01, { 7: [0.01, 0] }, false], [0.2, 0.02, { 7: [0.02, 0] }, true])).toEqual([0, 0.09]);
  });

  it('is not hidden by tasks that wait for each other', () => {
    // Eight of a millisecond each, woken at once: the last has waited for seven.
    const together = (n: number): Look => {
      const tasks = Object.fromEntries(Array.from({ length: 8 }, (_, place) => [place, [0.001 * n, 0.001 * place * n] as const]));
      return [0.1 * n, 0.008 * n, tasks, true];
    };
    expect(blocked(together(1), together(2))).toEqual([0.092, 0.184]);
    // Nor by what ended before anybody looked: their time on a core counts, and takes back nothing.
    expect(blocked([0.1, 0, { 7: [0, 0] }, true], [0.2, 0.18, { 7: [0, 0] }, true], [0.3, 0.18, { 7: [0, 0] }, true])).toEqual([
      0.1, 0.1, 0.2,
    ]);
  });

  it('is none where one of several tasks computes or waits for a core', () => {
    expect(blocked([0.1, 0.2, { 7: [0.1, 0], 8: [0.1, 0] }, true])).toEqual([0]);
    expect(blocked([0.1, 0.03, { 7: [0.03, 0.07], 8: [0, 0] }, true])).toEqual([0]);
    // Taking turns.
    expect(blocked([0.1, 0.1, { 7: [0.05, 0], 8: [0.05, 0] }, true])).toEqual([0]);
  });

  it('is told by a rule of thumb where nobody says who waited', () => {
    expect(blocked([0.1, 0.004, null, true], [0.2, 0.01, null, true])).toEqual([0.1, 0.1]);
    // Held to ten times the limit altogether.
    expect(blocked(...Array.from({ length: 30 }, (_, n): Look => [0.1 * (n + 1), 0.01 * (n + 1), null, true])).at(-1)).toBe(0.3);
    expect(blocked([0.1, 0.004, null, false])).toEqual([0]);
  });

  it('takes a launcher’s answer, or none', () => {
    const { answers } = ask({
      answers: [
        [null, '7 100000000 50000000 3\n9 0 2000000000 1\n'],
        ['1 1 1 1\n', '7 0 1000000000 3\n'],
        [null, '-'],
        [null, '7 0 0 0\n'],
        [null, null],
      ],
    });
    expect(answers).toEqual([{ 7: [0.1, 0.05], 9: [0, 2] }, { 7: [0, 1] }, null, null, null]);
  });
});

const { landlock } = await kernelReport();

describe.each(ISOLATING_TIERS.map((tier) => ({ tier })))('beside busy loops, in tier $tier', ({ tier }) => {
  it.skipIf(tier === 'landlock' && landlock === null)('a program that computes is not blocked, and one that sleeps is', async () => {
    const executor = await ProcessExecutor.create({
      ...{ workers: 1, tier, python: PYTHON, calibration: 1 },
      limits: { cpuSeconds: 0.4, wallSeconds: 0.3 },
    });
    const look = async (): Promise<void> => {
      for (const [body, resource] of [
        ['    while True:\n        pass\n', 'cpu'],
        [SLEEPS, 'blocked'],
      ] as const) {
        expect((await executor.execute(job(body))).outcome).toEqual({ status: 'limit', resource, exception: null });
      }
      // Nor does a test wait that computes; that has a limit too.
      const computes = 'import time\nend = time.process_time() + 1.2\nwhile time.process_time() < end:\n    pass\nassert f(1) == 2\n';
      expect((await executor.execute({ ...job(RIGHT), test: computes })).outcome).toEqual({ status: 'passed' });
      const waits = 'import time\ntime.sleep(1000)\nassert f(1) == 2\n';
      expect((await executor.execute({ ...job(RIGHT), test: waits })).outcome).toMatchObject({ status: 'infra' });
    };
    try {
      // Each core has two others to serve: while 0.4 s are computed, 0.8 s are waited for.
      await besideBusyLoops(2 * os.availableParallelism(), look);
    } finally {
      await executor.dispose();
    }
  });
});
