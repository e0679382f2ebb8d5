/** Workers come and go: limits and second runs, aborts, deaths, the end of the owner. */
import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { findLauncher, kernelReport, SCRIPTS } from '../../../src/sandbox/launcher.js';
import { ProcessExecutor, type ProcessExecutorOptions } from '../../../src/sandbox/process-executor.js';
import { findPython } from '../../../src/sandbox/python.js';
import { sandboxReport } from '../../../src/sandbox/doctor.js';
import type { JudgeAnswer, JudgeJob } from '../../../src/sandbox/protocol.js';
import { ISOLATING_TIERS } from '../../../src/sandbox/tiers.js';
import { unmeasuredVerdict, type Outcome } from '../../../src/sandbox/verdict.js';
import { Worker } from '../../../src/sandbox/worker.js';
import { fixtureOf } from './fixtures.js';
import { job, RIGHT, SLEEPS } from './jobs.js';
import { allProcesses, descendants, eventually, gone, survivors, type ProcessInfo } from './processes.js';
import { PYTHON } from './users.js';

const { landlock } = await kernelReport();

/** Computes for as many seconds of CPU time as it is asked to. */
const computes = (seconds: number): string =>
  `    import time\n    while time.process_time() < ${seconds}:\n        pass\n    return x + 1\n`;

const open: ProcessExecutor[] = [];
const create = async (options: ProcessExecutorOptions): Promise<ProcessExecutor> => {
  const executor = await ProcessExecutor.create(options);
  open.push(executor);
  return executor;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((executor) => executor.dispose()));
});

const rejection = async (promise: Promise<unknown>): Promise<FaultlineError> => {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FaultlineError);
  return error as FaultlineError;
};

describe('second runs', () => {
  it('let a sample finish that met a time limit, and mark it', async () => {
    const executor = await create({ workers: 1, calibration: 1, limits: { cpuSeconds: 0.3, wallSeconds: 0.6 } });
    const slow = await executor.execute(job(computes(0.5)));
    expect(slow).toMatchObject({ passed: true, measurements: { nearLimit: true } });
    const sleepy = await executor.execute(job('    import time\n    time.sleep(1)\n    return x\n'));
    expect(sleepy).toMatchObject({ outcome: { status: 'assertion' }, measurements: { nearLimit: true } });
    const endless = await executor.execute(job(computes(1000)));
    expect(endless).toMatchObject({ outcome: { status: 'limit', resource: 'cpu' }, measurements: { nearLimit: false } });
    // The first run's verdict: the second one had 0.9 s.
    expect(endless.measurements.cpuSeconds).toBeLessThan(0.9);
    const quick = await executor.execute(job(RIGHT));
    expect(quick).toMatchObject({ passed: true, measurements: { nearLimit: false } });
  });

  it('happen beside other jobs without changing any verdict', async () => {
    const executor = await create({ workers: 3, calibration: 1, limits: { cpuSeconds: 0.2 } });
    const verdicts = await Promise.all(
      Array.from({ length: 30 }, (_, i) => executor.execute(job(i % 10 === 0 ? computes(0.3) : RIGHT, i))),
    );
    expect(verdicts.map(({ passed }) => passed)).toEqual(Array.from({ length: 30 }, () => true));
    expect(verdicts.map(({ measurements }) => measurements.nearLimit)).toEqual(Array.from({ length: 30 }, (_, i) => i % 10 === 0));
  });

  it('have limits that a slow machine stretches', async () => {
    const executor = await create({ workers: 1, calibration: 0.25, limits: { cpuSeconds: 0.2 } });
    expect(await executor.execute(job(computes(0.4)))).toMatchObject({ passed: true, measurements: { nearLimit: false } });
  });
});

describe('ends', () => {
  it('aborts one job and serves the others', async () => {
    const executor = await create({ workers: 1 });
    const controller = new AbortController();
    const sleeping = executor.execute(job(SLEEPS), controller.signal);
    const waiting = executor.execute(job(RIGHT, 1), controller.signal);
    const other = executor.execute(job(RIGHT, 2));
    controller.abort();
    expect((await rejection(sleeping)).kind).toBe('interrupted');
    expect((await rejection(waiting)).kind).toBe('interrupted');
    expect((await other).passed).toBe(true);
    expect((await rejection(executor.execute(job(RIGHT), controller.signal))).kind).toBe('interrupted');
  });

  it('kills everything when it is closed, at once and twice', async () => {
    const executor = await create({ workers: 2 });
    const running = [executor.execute(job(SLEEPS)), executor.execute(job(computes(1000))), executor.execute(job(RIGHT))].map(rejection);
    await eventually(() => {
      expect(descendants().length).toBeGreaterThanOrEqual(8);
    });
    const processes = descendants();
    await executor.dispose();
    await executor.dispose();
    expect((await Promise.all(running)).map(({ kind }) => kind)).toEqual(['interrupted', 'interrupted', 'interrupted']);
    await gone(processes);
    expect((await rejection(executor.execute(job(RIGHT)))).kind).toBe('interrupted');
  });

  it.each<[string, Outcome]>([
    ['met a time limit', { status: 'limit', resource: 'cpu', exception: null }],
    ['was killed', { status: 'signal', signal: 'SIGKILL' }],
  ])('leaves nobody waiting whose program %s just before, and would run again', async (_, outcome) => {
    const executor = await create({ workers: 1 });
    let answer: ((answer: JudgeAnswer) => void) | null = null;
    const judge = vi.spyOn(Worker.prototype, 'judge').mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    try {
      const running = rejection(executor.execute(job(RIGHT)));
      await eventually(() => {
        expect(answer).not.toBeNull();
      });
      answer!({ verdict: unmeasuredVerdict(outcome, 'call'), passes: [], renew: false, retry: false });
      await executor.dispose();
      const later = new Promise<null>((resolve) => setImmediate(resolve, null));
      expect(await Promise.race([running, later])).toMatchObject({ kind: 'interrupted' });
    } finally {
      judge.mockRestore();
    }
  });

  it('runs a job again whose worker was killed, and gives up after three in a row', async () => {
    const executor = await create({ workers: 1 });
    const killWorker = (): void => {
      for (const { pid } of descendants().filter(({ command }) => command.includes('faultline-launcher'))) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has just ended by itself.
        }
      }
    };
    const first = descendants();
    const running = executor.execute(job('    import time\n    time.sleep(0.5)\n    return x + 1\n'));
    killWorker();
    expect((await running).passed).toBe(true);
    // Killed without a chance to clean up, and still nothing is left of it.
    await gone(first);

    const hopeless = rejection(executor.execute(job(SLEEPS)));
    const killer = setInterval(killWorker, 20);
    const error = await hopeless.finally(() => {
      clearInterval(killer);
    });
    expect(error.kind).toBe('infrastructure');
    expect(error.message).toMatch(/3 times in a row/);
  });

  /** Resolves when a candidate of none of the `known` zygotes runs. Returns its zygote. */
  const busyZygote = async (known: ReadonlySet<number>): Promise<number> => {
    let zygote = 0;
    await eventually(() => {
      const processes = descendants();
      const zygotes = processes.filter(({ pid, command }) => command.includes('zygote.py') && !known.has(pid));
      zygote = zygotes.find((own) => processes.some(({ pid, parent, session }) => parent === own.pid && session === pid))?.pid ?? 0;
      expect(zygote).toBeGreaterThan(0);
    });
    return zygote;
  };

  it('calls a job blocked under which two workers hung', async () => {
    const executor = await create({ workers: 1, limits: { wallSeconds: 1000 } });
    // Processes take their time as ever; only what this process waits for is hurried.
    const timers: { callback: () => void; milliseconds: number }[] = [];
    const original = globalThis.setTimeout;
    const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, milliseconds: number) => {
      if (milliseconds > 1_000_000) timers.push({ callback, milliseconds });
      return original(callback, milliseconds);
    }) as typeof setTimeout);
    try {
      const running = executor.execute(job(SLEEPS));
      const known = new Set<number>();
      for (let attempt = 0; attempt < 2; attempt++) {
        known.add(await busyZygote(known));
        expect(timers).toHaveLength(1);
        timers.pop()!.callback();
      }
      expect((await running).outcome).toEqual({ status: 'limit', resource: 'blocked', exception: null });
    } finally {
      spy.mockRestore();
    }
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
  });

  it('survives samples that lock the folder they may write to', async () => {
    const executor = await create({ workers: 1 });
    for (let sample = 0; sample < 4; sample++) {
      expect((await executor.execute(job(`    import os\n    os.chmod("/tmp", 0)\n    return x\n`, sample))).outcome.status).toBe(
        'assertion',
      );
    }
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
  });

  it('gives every sample a folder that no earlier one has changed', async () => {
    const executor = await create({ workers: 1 });
    const writes = job('    with open("/tmp/b", "w") as file:\n        file.write("b")\n    return x + 1\n');
    for (const change of ['chmod("/tmp", 0o500)', 'utime("/tmp", (1, 1))', 'rmdir(os.mkdir("/tmp/d") or "/tmp/d")']) {
      const before = descendants();
      expect((await executor.execute(job(`    import os\n    os.${change}\n    return x + 1\n`))).passed).toBe(true);
      expect((await executor.execute(writes)).passed).toBe(true);
      expect(survivors(before)).toEqual([]);
    }
    // One that was not touched is kept, and with it the worker.
    await executor.execute(job(RIGHT));
    const before = descendants();
    await executor.execute(job(RIGHT));
    expect(survivors(before)).toHaveLength(before.length);
  });

  it.for(ISOLATING_TIERS)('gives up a worker whose program has tampered or made a forbidden call, in tier %s', async (tier, context) => {
    if (tier === 'landlock' && landlock === null) return context.skip('needs Landlock');
    const executor = await create({ workers: 1, tier, python: PYTHON });
    const attempts = [
      { body: '    import os\n    os.write(3, b"passed")\n    return x + 1\n', status: 'tamper' },
      { body: '    class Equal:\n        def __eq__(self, other): return True\n    return Equal()\n', status: 'tamper' },
      { body: RIGHT + fixtureOf('forges_a_whole_syntax_error.py').job.completion, status: 'tamper' },
      // ptrace(PTRACE_TRACEME)
      { body: '    import ctypes\n    ctypes.CDLL(None).ptrace(0, 0, 0, 0)\n    return x + 1\n', status: 'forbidden' },
    ];
    for (const { body, status } of attempts) {
      await executor.execute(job(RIGHT));
      const before = descendants();
      expect((await executor.execute(job(body))).outcome, body).toMatchObject({ status });
      expect((await executor.execute(job(RIGHT))).passed).toBe(true);
      expect(survivors(before)).toEqual([]);
    }
  });

  it('ends what a program left running, and gives up its worker', async () => {
    // The one tier in which a program can start a process.
    const executor = await create({ workers: 1, unsafe: true });
    await executor.execute(job(RIGHT));
    const before = descendants();
    const leaves = job('    import os, time\n    if os.fork() == 0:\n        time.sleep(1000)\n    return x + 1\n');
    expect((await executor.execute(leaves)).passed).toBe(true);
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
    expect(survivors(before)).toEqual([]);
    // The one that slept included: the new worker's processes are all there are.
    expect(descendants()).toHaveLength(before.length);
  });

  it('dies with its owner, even when that is killed', async () => {
    const python = await findPython();
    const needs = python.needs.flatMap((item) => ['--read-only', item]);
    const launch = [findLauncher(), '--tier', 'namespaces', '--python', python.path, '--scripts', SCRIPTS, ...needs];
    const owner = spawn(
      process.execPath,
      [
        '-e',
        `require('child_process').spawn(process.argv[1], process.argv.slice(2), { stdio: ['pipe', 'pipe', 'inherit', 'pipe'], detached: true }); setInterval(() => {}, 1000)`,
        ...launch,
      ],
      { stdio: 'ignore' },
    );
    let processes: ProcessInfo[] = [];
    try {
      await eventually(() => {
        processes = descendants(owner.pid);
        // Both, because the launcher starts one after the other.
        for (const script of ['zygote.py', 'judge.py']) {
          expect(
            processes.some(({ command }) => command.includes(script)),
            script,
          ).toBe(true);
        }
      });
      expect(processes.length).toBeGreaterThanOrEqual(3);
    } finally {
      owner.kill('SIGKILL');
    }
    await gone(processes);
  });

  it('runs as a user of its own where it was started as root', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('needs root');
    await create({ workers: 2 });
    const inside = descendants().filter(({ command }) => /(judge|zygote)\.py/.test(command));
    const { statSync } = await import('node:fs');
    const users = inside.map(({ pid }) => statSync(`/proc/${pid}`).uid).filter((uid) => uid !== 0);
    // One that is not dumpable shows as root's; its judge does not.
    expect(new Set(users).size).toBe(users.length);
    expect(users.length).toBeGreaterThanOrEqual(1);
    expect(Math.min(...users)).toBeGreaterThanOrEqual(30000);
  });
});

describe('jobs handed ahead', () => {
  interface Judged {
    readonly job: JudgeJob;
    readonly worker: Worker;
    readonly start: number;
    end: number;
  }
  /** Every job that a worker receives, from when to when it has it, until the spy is restored. */
  const watchJudging = (): { readonly jobs: Judged[]; readonly restore: () => void } => {
    const jobs: Judged[] = [];
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
    const original = Worker.prototype.judge;
    const spy = vi.spyOn(Worker.prototype, 'judge').mockImplementation(async function (this: Worker, job) {
      const entry = { job, worker: this, start: performance.now(), end: Infinity };
      jobs.push(entry);
      try {
        return await original.call(this, job);
      } finally {
        entry.end = performance.now();
      }
    });
    return {
      jobs,
      restore: () => {
        spy.mockRestore();
      },
    };
  };
  /** Of every job, how many its worker had when it came, itself included. */
  const depths = (jobs: readonly Judged[]): number[] =>
    jobs.map((own, i) => jobs.slice(0, i + 1).filter(({ worker, end }) => worker === own.worker && end > own.start).length);

  it('are one for each worker, and none of the last few', async () => {
    const executor = await create({ workers: 2 });
    await Promise.all([executor.execute(job(RIGHT)), executor.execute(job(RIGHT))]);
    const judging = watchJudging();
    try {
      await Promise.all(Array.from({ length: 8 }, (_, i) => executor.execute(job(RIGHT, i))));
      expect(new Set(judging.jobs.map(({ worker }) => worker)).size).toBe(2);
      expect(Math.max(...depths(judging.jobs))).toBe(2);
      judging.jobs.length = 0;
      await Promise.all(Array.from({ length: 3 }, (_, i) => executor.execute(job(RIGHT, i))));
      expect(depths(judging.jobs)).toEqual([1, 1, 1]);
    } finally {
      judging.restore();
    }
  });

  it('are none beside a second run, and nor is any other job, whenever it comes', async () => {
    const executor = await create({ workers: 2, calibration: 1, limits: { cpuSeconds: 0.2 } });
    const judging = watchJudging();
    try {
      let next = 0;
      // As the pipeline does it: each lane brings its next job when the last one is done.
      const lane = async (): Promise<void> => {
        while (next < 60) {
          const i = next++;
          expect((await executor.execute(job(i % 20 === 5 ? computes(0.3) : RIGHT, i))).passed).toBe(true);
        }
      };
      await Promise.all(Array.from({ length: 6 }, lane));
      const second = judging.jobs.filter(({ job: { moreTime } }) => moreTime === 1);
      expect(second).toHaveLength(3);
      for (const own of second) {
        expect(judging.jobs.filter((other) => other !== own && other.start < own.end && other.end > own.start)).toEqual([]);
      }
      expect(Math.max(...depths(judging.jobs))).toBe(2);
    } finally {
      judging.restore();
    }
  });

  it('are executed from the start where the worker is given up before, and count as begun by nobody', async () => {
    const executor = await create({ workers: 1, calibration: 1, limits: { cpuSeconds: 0.2 } });
    const bodies = [
      '    import os\n    os.write(3, b"passed")\n    return x + 1\n',
      '    import ctypes\n    ctypes.CDLL(None).ptrace(0, 0, 0, 0)\n    return x + 1\n',
      '    open("/tmp/left", "w").close()\n    return x + 1\n',
      // The judge dies of the value.
      '    from decimal import Decimal\n    return Decimal("1e9999999")\n',
    ];
    const usesValue = { test: 'assert int(f(1)) == 2\n' };
    const verdicts = await Promise.all(
      bodies.flatMap((body, i) => [
        executor.execute({ ...job(body, i), ...usesValue }),
        executor.execute(job('    import os\n    return x + 1 + os.path.exists("/tmp/left")\n', i)),
        executor.execute(job('    return x\n', i)),
      ]),
    );
    for (let i = 0; i < bodies.length; i++) {
      expect(verdicts[3 * i + 1]).toMatchObject({ passed: true, outcome: { status: 'passed' } });
      expect(verdicts[3 * i + 2]).toMatchObject({ passed: false, outcome: { status: 'assertion' } });
    }
    expect(verdicts[0]!.outcome.status).toBe('tamper');
    expect(verdicts[3]!.outcome.status).toBe('forbidden');
    expect(verdicts[9]!.outcome).toMatchObject({ status: 'limit', resource: 'cpu' });
  });

  it('leave the one before alone when they are aborted, and hold up nobody after it', async () => {
    const executor = await create({ workers: 1 });
    await executor.execute(job(RIGHT));
    const judging = watchJudging();
    try {
      const before = executor.execute(job('    import time\n    time.sleep(0.3)\n    return x + 1\n'));
      const controller = new AbortController();
      const ahead = executor.execute(job(SLEEPS), controller.signal);
      await eventually(() => {
        expect(depths(judging.jobs)).toEqual([1, 2]);
      });
      controller.abort();
      expect((await rejection(ahead)).kind).toBe('interrupted');
      const processes = descendants();
      const after = executor.execute(job(RIGHT));
      expect((await before).passed).toBe(true);
      expect((await after).passed).toBe(true);
      // The worker was at the aborted one.
      await gone(processes);
    } finally {
      judging.restore();
    }
  });

  it('come to nothing when the sandbox is closed', async () => {
    const executor = await create({ workers: 1 });
    const all = Array.from({ length: 4 }, (_, i) => rejection(executor.execute(job(SLEEPS, i))));
    await eventually(() => {
      expect(descendants().some(({ pid, session }) => pid === session)).toBe(true);
    });
    const processes = descendants();
    await executor.dispose();
    expect((await Promise.all(all)).map(({ kind }) => kind)).toEqual(Array.from({ length: 4 }, () => 'interrupted'));
    await gone(processes);
  });
});

describe('what a machine may lack', () => {
  it('is named with the next step', async () => {
    const missing = await rejection(ProcessExecutor.create({ python: '/no/such/python' }));
    expect(missing.kind).toBe('environment');
    expect(missing.message).toContain('/no/such/python');
    expect(missing.hint).toContain('apt install python3');
    for (const limits of [{ cpuSeconds: 0 }, { memoryBytes: NaN }, { memoryBytes: 1000 }, { processes: -1 }]) {
      expect((await rejection(ProcessExecutor.create({ limits }))).kind).toBe('usage');
    }
    expect((await rejection(ProcessExecutor.create({ workers: 0 }))).kind).toBe('usage');
    expect((await rejection(ProcessExecutor.create({ workers: 1, calibration: -1 }))).kind).toBe('usage');
  });

  it('shows in the report, which also says what a start costs', async () => {
    const report = await sandboxReport();
    expect(report).toMatchObject({ tier: 'namespaces', reason: null, hint: null });
    expect(report.launchMilliseconds).toBeGreaterThan(0);
    expect(report.python?.version).toMatch(/^3\.\d+\.\d+$/);
    expect(await sandboxReport({ python: '/no/such/python' })).toMatchObject({ tier: null, python: null });
    expect(survivors(allProcesses().filter(({ parent, command }) => parent === process.pid && command.includes('launcher')))).toEqual([]);
  });

  it('does not stop a run that was told to go without isolation, and records that', async () => {
    const executor = await create({ workers: 1, unsafe: true });
    expect(executor.info).toMatchObject({ tier: 'none' });
    expect(executor.info.tierReason).not.toBeNull();
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
    expect(
      (await executor.execute(job('    import os, time\n    if os.fork() == 0:\n        time.sleep(1000)\n    return x\n'))).passed,
    ).toBe(false);
    const before = descendants();
    await executor.dispose();
    await gone(before);
  });
});
