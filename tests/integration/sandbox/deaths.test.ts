/** Processes of the sandbox that somebody kills in the middle of an execution: never a sample's failure, or only where it repeats and may be its doing. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { kernelReport } from '../../../src/sandbox/launcher.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { ISOLATING_TIERS } from '../../../src/sandbox/tiers.js';
import { job, RIGHT, SLEEPS } from './jobs.js';
import { descendants, eventually, gone, type ProcessInfo } from './processes.js';
import { PYTHON } from './users.js';

/** The processes of a worker that executes something. */
interface Busy {
  readonly launcher: ProcessInfo;
  readonly judge: ProcessInfo;
  readonly zygote: ProcessInfo;
  readonly candidate: ProcessInfo;
}

/** Whether the kernel kills for lack of memory all the time: it cannot be made to here. */
const memory = vi.hoisted(() => ({ isLacking: false, kills: 0 }));
vi.mock('../../../src/sandbox/out-of-memory.js', () => ({
  outOfMemoryKills: () => (memory.isLacking ? memory.kills++ : memory.kills),
}));

const { landlock } = await kernelReport();
let executor: ProcessExecutor | null = null;
afterEach(async () => {
  const processes = descendants();
  await executor?.dispose();
  executor = null;
  memory.isLacking = false;
  await gone(processes);
});

describe.each(ISOLATING_TIERS.map((tier) => ({ tier })))('in tier $tier', ({ tier }) => {
  const skipped = tier === 'landlock' && landlock === null;

  /** Resolves when an execution has begun in a worker that is not one of `before`. */
  const busy = async (before: readonly Busy[]): Promise<Busy> => {
    let found: Busy | null = null;
    await eventually(() => {
      const all = descendants();
      const launcher = all.find(
        ({ pid, command }) => command.includes('faultline-launcher') && !before.some((old) => old.launcher.pid === pid),
      );
      const judge = all.find(({ parent, command }) => parent === launcher?.pid && command.includes('judge.py'));
      const zygote = all.find(({ parent, command }) => parent === launcher?.pid && command.includes('zygote.py'));
      const candidate = all.find(({ pid, parent, session }) => parent === zygote?.pid && session === pid);
      expect([launcher, judge, zygote, candidate]).not.toContain(undefined);
      found = { launcher: launcher!, judge: judge!, zygote: zygote!, candidate: candidate! };
    });
    return found!;
  };

  /** Executes, and kills a process of every worker that does, so many times in a row. */
  const executeKilling = async (victim: keyof Busy, times: number, body: string, signal: NodeJS.Signals = 'SIGKILL') => {
    executor ??= await ProcessExecutor.create({ workers: 1, tier, python: PYTHON, limits: { wallSeconds: 1000 } });
    const controller = new AbortController();
    const running = executor.execute(job(body), controller.signal);
    const caught = running.catch((error: unknown) => error);
    const state = { isSettled: false };
    void caught.finally(() => {
      state.isSettled = true;
    });
    const before: Busy[] = [];
    for (let kills = 0; kills < times || (victim === 'candidate' && times > 1 && !state.isSettled);) {
      // A killed candidate leaves its worker as it was. The next child of the zygote's may be one that only looks at the text of the program:
      // they are killed until it is decided.
      const current = await Promise.race([busy(victim === 'candidate' ? [] : before), caught.then(() => null)]);
      if (current === null) break;
      if (before.at(-1)?.candidate.pid === current.candidate.pid) continue;
      before.push(current);
      try {
        process.kill(current[victim].pid, signal);
        kills++;
      } catch {
        // It has just ended by itself.
      }
    }
    return { result: await caught };
  };
  /** Long enough to be found running, and right. */
  const SLOW = '    import time\n    time.sleep(0.4)\n    return x + 1\n';

  it.skipIf(skipped).each(['judge', 'zygote', 'launcher', 'candidate'] as const)(
    'a killed %s costs no sample its verdict',
    async (victim) => {
      const { result } = await executeKilling(victim, 1, SLOW);
      expect(result).toMatchObject({ passed: true, outcome: { status: 'passed' } });
    },
  );

  it.skipIf(skipped).each(['launcher', 'zygote'] as const)(
    'a killed %s is never the sample’s doing, and the third in a row ends the run',
    async (victim) => {
      expect((await executeKilling(victim, 2, SLOW)).result).toMatchObject({ passed: true });
      // It has counted anew since.
      expect((await executeKilling(victim, 2, SLOW)).result).toMatchObject({ passed: true });
      const { result } = await executeKilling(victim, 3, SLEEPS);
      expect(result).toMatchObject({
        kind: 'infrastructure',
        message: expect.stringMatching(/3 times in a row: a sandbox (zygote ended by signal 9|worker was stopped)/) as string,
        hint: expect.stringContaining('resume') as string,
      });
      await expect(executor!.execute(job(RIGHT))).rejects.toBe(result);
    },
  );

  it.skipIf(skipped)('a zygote killed while a failure is looked at again costs it no measurement', async () => {
    const test = 'assert f(1) == 2\nassert f(2) == 3\n';
    const wrong = { ...job('    import time\n    time.sleep(0.4)\n    return 2\n'), test };
    executor = await ProcessExecutor.create({ workers: 1, tier, python: PYTHON, limits: { wallSeconds: 1000 } });
    const candidates = new Set<number>();
    const running = executor.execute(wrong);
    // Of the second candidate: the first runs the test as it stands.
    while (candidates.size < 2) candidates.add((await busy([])).candidate.pid);
    process.kill((await busy([])).zygote.pid, 'SIGKILL');
    const { outcome, measurements } = await running;
    expect(outcome).toMatchObject({ status: 'assertion', assertion: { index: 1 } });
    expect(measurements.assertions).toMatchObject({ total: 2, passed: 1 });
    expect(measurements.source).not.toBeNull();
  });

  // In tier `landlock` other signals reach it too; the first process of a namespace is deaf to those that it does not handle.
  it.skipIf(skipped || tier === 'namespaces')('nor is a zygote that was asked to end', async () => {
    expect((await executeKilling('zygote', 2, SLOW, 'SIGTERM')).result).toMatchObject({ passed: true });
  });

  it.skipIf(skipped)('what dies again on a fresh worker, alone, counts as the sample’s, and the run goes on', async () => {
    // The first process of a namespace is deaf to all but SIGKILL from outside; by a fault of its own it can still end like this.
    if (tier === 'landlock') {
      const { result } = await executeKilling('zygote', 2, SLEEPS, 'SIGSEGV');
      expect(result).toMatchObject({ outcome: { status: 'signal', signal: 'SIGSEGV' } });
    }
    expect((await executeKilling('candidate', 2, SLEEPS)).result).toMatchObject({ outcome: { status: 'signal', signal: 'SIGKILL' } });
    expect((await executeKilling('judge', 2, SLEEPS)).result).toMatchObject({ outcome: { status: 'limit', resource: 'memory' } });
    expect((await executor!.execute(job(RIGHT, 1))).passed).toBe(true);
  });

  it.skipIf(skipped)('a judge that ends by what it computes is the sample’s failure at once', async () => {
    // A time limit calls for the second run that every sample gets.
    expect((await executeKilling('judge', 2, SLEEPS, 'SIGPROF')).result).toMatchObject({ outcome: { status: 'limit', resource: 'cpu' } });
    expect((await executeKilling('judge', 1, SLEEPS, 'SIGSEGV')).result).toMatchObject({
      outcome: { status: 'limit', resource: 'memory' },
    });
    expect((await executor!.execute(job(RIGHT, 1))).passed).toBe(true);
  });

  it.skipIf(skipped)('a program that kills itself does so twice', async () => {
    executor = await ProcessExecutor.create({ workers: 1, tier, python: PYTHON });
    const { outcome } = await executor.execute(job('    import os\n    os.kill(os.getpid(), 9)\n'));
    expect(outcome).toEqual({ status: 'signal', signal: 'SIGKILL' });
  });

  it.skipIf(skipped)('a program that is killed twice when the kernel lacks memory has met a limit', async () => {
    memory.isLacking = true;
    const { result } = await executeKilling('candidate', 2, SLEEPS);
    expect(result).toMatchObject({ outcome: { status: 'limit', resource: 'memory', exception: null } });
    expect((await executeKilling('candidate', 1, SLOW)).result).toMatchObject({ outcome: { status: 'passed' } });
  });
});
