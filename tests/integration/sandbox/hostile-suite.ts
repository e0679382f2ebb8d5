/**
 * The hostile suite: every program of `tests/fixtures/programs/hostile` comes to its outcome and its leaf of the taxonomy,
 * leaves nothing behind, and changes no verdict of the next twenty executions; as root and as an ordinary user, in both tiers. Each of
 * these four settings is a test file of its own, as most of the time is spent waiting for programs that wait, and several can wait at once.
 *
 * The twenty follow every case as who runs the tests, in tier namespaces. In every setting one of them waits at its heels, handed to the same worker
 * while that is at the case, and all come after the last; FAULTLINE_HOSTILE=all has them follow every case everywhere.
 * FAULTLINE_TEST_PYTHON names another interpreter (as root).
 *
 * That a case takes no longer than its limits and half a second is asserted of every candidate that was started for it, the later passes'
 * and the second run's included, from fork to end: of the CPU time that the kernel counted, and of the wall clock less what the machine
 * may have kept it waiting (machine-delay.ts); and of the CPU time that the judge itself took for each, which has a limit of its own. Where the
 * worker died and nobody measured a candidate, it is asserted of the wall clock from handing over the job until the worker was gone. On a
 * busy machine the wall clock says little, and for how many cases it says something is printed; so is the wall clock of whole cases, for
 * people.
 */
import { afterAll, beforeAll, describe, expect, it, vi, type MockInstance } from 'vitest';
import { kernelReport } from '../../../src/sandbox/launcher.js';
import { adaptedLimits, RERUN_FACTOR } from '../../../src/sandbox/limits.js';
import { ProcessExecutor, type ProcessExecutorOptions } from '../../../src/sandbox/process-executor.js';
import type { JudgeJob } from '../../../src/sandbox/protocol.js';
import type { Verdict } from '../../../src/sandbox/verdict.js';
import { Worker } from '../../../src/sandbox/worker.js';
import { codeOf, expectVerdict, fixtureOf, hostile, type Fixture } from './fixtures.js';
import { machineState, newcomers, residentBytes, sandboxState } from './leftovers.js';
import { delayedSeconds } from './machine-delay.js';
import { descendants, eventually, gone } from './processes.js';
import { AS_USER, WrappedLauncher } from './users.js';

/** Little time, so that the programs that never end are soon over. */
const LIMITS = { cpuSeconds: 0.2, wallSeconds: 0.3, memoryBytes: 512 << 20 };
/** What the limits on CPU time and on blocked time may be overrun by. */
const OVERRUN_SECONDS = 0.5;
/**
 * What a worker's processes may keep of a case in memory: six times the largest value that travels (16 MiB, wire.py). A judge that has compared one
 * keeps what its allocator had for it and its copies until later values take its place: 63.6 MiB at most were seen, five times the 12.5 MiB of
 * `returns_a_huge_number`, beside other settings and through the next two cases; 24.0 MiB where the suite ran alone.
 */
const KEPT_BYTES = 6 * (16 << 20);
/** Share of the time for which a machine that keeps nobody waiting may keep somebody waiting. */
const IDLE_SHARE = 0.1;
/** What may come and go in shared memory of the whole machine while the suite runs. */
const SHARED_MEMORY_NOISE = 256 << 20;

/** The next twenty: passes and failures of every kind, some of which look around for what an earlier one may have left. */
export const NEXT = [
  'right',
  'wrong_answer',
  'undefined_name',
  'does_not_parse',
  'fails_in_library',
  'recursion',
  'returns_odd_values',
  'mutates_its_argument',
  'draws_numbers',
  'prints_and_passes',
  'missing_module',
  'sees_little',
  'walks_frames',
  'has_no_secrets_in_its_environment',
  'uses_a_thread',
  'raises_own_class',
  'eats_memory',
  'opens_a_socket',
  'exits_0',
  'returns_a_generator',
].map((name) => fixtureOf(`${name}.py`));

/** Who runs the suite, and in which tier (`options`). */
export interface Setting {
  readonly title: string;
  readonly asUser: boolean;
  /** Whether the twenty follow every case, whatever FAULTLINE_HOSTILE says. */
  readonly isFollowed: boolean;
  readonly options: ProcessExecutorOptions;
  /** Why it cannot be had here, or null. */
  readonly reason: string | null;
}

/** What looks around sees the host's folders there, and says so; landlock.test.ts has what it may see. */
const ONLY_IN_NAMESPACES = ['sees_little.py'];

/** Why nobody can be in tier landlock here, or null. */
export async function landlockObstacle(): Promise<string | null> {
  return (await kernelReport()).landlock === null ? 'this kernel has no Landlock' : null;
}

/** Declares the suite's tests in one setting. */
export function runHostileSuite(setting: Setting): void {
  describe(`hostile programs ${setting.title}`, () => hostilePrograms(setting));
}

function hostilePrograms({ asUser, options, reason, title, ...setting }: Setting): void {
  const isFollowed = setting.isFollowed || process.env['FAULTLINE_HOSTILE'] === 'all';
  // A skip says why.
  const given = reason === null ? describe : describe.skip;
  given(reason ?? 'each', () => {
    let executor: ProcessExecutor;
    let expected: readonly unknown[];
    /** A worker that has run the twenty and nothing else. */
    let usual: ReturnType<typeof sandboxState>;
    let usualBytes: number;
    const tier = options.tier ?? 'namespaces';
    const launcher = new WrappedLauncher();
    const next = NEXT.filter(({ name }) => tier === 'namespaces' || !ONLY_IN_NAMESPACES.includes(name));
    const before = machineState();
    const slow: { name: string; over: number }[] = [];
    /** Sees every answer of a judge. */
    let judge: MockInstance<Worker['judge']>;
    /** Seconds from handing a worker the job until it had answered or was gone. */
    const took = new WeakMap<JudgeJob, number>();
    let deaths = 0;
    let laterPasses = 0;
    let mostJudged = 0;
    /** Cases that the machine kept waiting for so little that an overrun by a second would have shown. */
    let told = 0;
    let mostKept = 0;
    let waited: number | null;
    let started: number;

    beforeAll(async () => {
      if (asUser) launcher.wrap(AS_USER);
      const original = Reflect.get(Worker.prototype, 'judge');
      judge = vi.spyOn(Worker.prototype, 'judge').mockImplementation(async function (this: Worker, job) {
        const start = performance.now();
        try {
          return await original.call(this, job);
        } finally {
          took.set(job, (performance.now() - start) / 1000);
        }
      });
      executor = await ProcessExecutor.create({ workers: 1, limits: LIMITS, ...options });
      expect(executor.info.tier).toBe(tier);
      for (const fixture of next) expectVerdict(fixture, await executor.execute(fixture.job), executor.info);
      expected = await verdictsOf(executor, next);
      usual = sandboxState(tier);
      usualBytes = residentBytes();
      [started, waited] = [performance.now(), delayedSeconds()];
    });
    afterAll(async () => {
      judge.mockRestore();
      launcher.dispose();
      await executor.dispose();
      slow.sort((a, b) => b.over - a.over);
      const worst = slow.slice(0, 3).map(({ name, over }) => `${name} ${over.toFixed(2)} s`);
      console.log(
        `hostile programs ${title}: beyond their limits by at most (wall clock, start of a new worker included) ${worst.join(', ')}`,
      );
      console.log(`hostile programs ${title}: an overrun by a second would have shown in the wall clock of ${told} of ${slow.length}`);
      console.log(`hostile programs ${title}: a worker kept ${(mostKept / (1 << 20)).toFixed(1)} MiB more than usual at most`);
      console.log(`hostile programs ${title}: ${laterPasses} candidates were started for later passes`);
      console.log(`hostile programs ${title}: a worker died under ${deaths} jobs`);
      console.log(`hostile programs ${title}: a judge that lived computed ${mostJudged.toFixed(2)} s at most for one candidate`);
    });

    it.each(hostile.filter(({ name }) => tier === 'namespaces' || !ONLY_IN_NAMESPACES.includes(name)))('$name', async (fixture) => {
      judge.mockClear();
      const [start, delayedBefore] = [performance.now(), delayedSeconds()];
      const running = executor.execute(fixture.job);
      // Its worker has this one already while it is at the case, and begins it before anybody knows what the case has done.
      const turn = hostile.indexOf(fixture) % next.length;
      const follower = next[turn] === fixture ? (turn + 1) % next.length : turn;
      const ahead = verdictsOf(executor, next.slice(follower, follower + 1));
      const verdict = await running;
      const delayedAfter = delayedSeconds();
      slow.push({ name: fixture.name, over: (performance.now() - start) / 1000 - allowedSeconds(executor, verdict) });
      expectVerdict(fixture, verdict, executor.info);
      if (delayedBefore !== null && delayedAfter !== null && delayedAfter - delayedBefore < OVERRUN_SECONDS) told++;
      const { program } = judge.mock.calls[0]![0];
      const own = judge.mock.calls.flatMap(([job], call) => {
        const answer = judge.mock.settledResults[call]!;
        return job.program === program ? [{ job, passes: answer.type === 'fulfilled' ? answer.value.passes : [] }] : [];
      });
      expect(judge.mock.calls[1]![0].program).not.toBe(program);
      const passes = own.flatMap((answer) => answer.passes);
      laterPasses += Math.max(0, passes.length - 1);
      // But where a worker died of it, and nobody measured anything.
      if (verdict.measurements.wallSeconds > 0)
        expect(passes.map(({ wallSeconds }) => wallSeconds)).toContain(verdict.measurements.wallSeconds);
      for (const { cpuSeconds, wallSeconds, judgeCpuSeconds, limits } of passes) {
        expect(cpuSeconds).toBeLessThan(limits.cpuSeconds + OVERRUN_SECONDS);
        expect(judgeCpuSeconds).toBeLessThan(judgeLimit(limits) + OVERRUN_SECONDS);
        mostJudged = Math.max(mostJudged, judgeCpuSeconds);
        if (delayedBefore === null || delayedAfter === null) continue;
        // A program may use up nearly all of one limit before it meets the other.
        expect(wallSeconds - (delayedAfter - delayedBefore)).toBeLessThan(limits.cpuSeconds + limits.wallSeconds + OVERRUN_SECONDS);
      }
      for (const { job } of own.filter((answer) => answer.passes.length === 0)) {
        deaths++;
        if (delayedBefore === null || delayedAfter === null) continue;
        // In the first pass: the candidate's limits, and the judge's own.
        const allowed = job.cpuSeconds + job.wallSeconds + judgeLimit(job) + OVERRUN_SECONDS;
        expect(took.get(job)! - (delayedAfter - delayedBefore)).toBeLessThan(allowed);
      }
      expect(await ahead).toEqual(expected.slice(follower, follower + 1));
      if (isFollowed) expect(await verdictsOf(executor, next)).toEqual(expected);
      await eventually(() => {
        expect(sandboxState(tier)).toEqual(usual);
        expect(residentBytes()).toBeLessThan(usualBytes + KEPT_BYTES);
      });
      mostKept = Math.max(mostKept, residentBytes() - usualBytes);
    });

    it('would have shown an overrun by a second in most, where the machine is idle', () => {
      const delayed = delayedSeconds();
      // Nor is there anything to tell where this test runs by itself.
      if (waited === null || delayed === null || slow.length === 0) return;
      const share = (delayed - waited) / ((performance.now() - started) / 1000);
      if (share < IDLE_SHARE) expect(told).toBeGreaterThan(slow.length / 2);
      else
        console.log(
          `hostile programs ${title}: the machine was busy: it kept somebody waiting for ${Math.round(100 * share)} % of the time`,
        );
    });

    it('change no verdict of what comes after them all', async () => {
      expect(await verdictsOf(executor, next)).toEqual(expected);
    });

    it('leave nothing behind', async () => {
      const processes = descendants();
      await executor.dispose();
      await gone(processes);
      await eventually(() => {
        const after = machineState();
        expect(newcomers(before, after)).toEqual([]);
        expect(after.sharedMemoryBytes).toBeLessThan(before.sharedMemoryBytes + SHARED_MEMORY_NOISE);
      });
    });
  });
}

/** The verdicts on `next`, without what is measured: on a busy machine a program that eats memory may come near a limit of time. */
async function verdictsOf(executor: ProcessExecutor, next: readonly Fixture[]): Promise<unknown[]> {
  const verdicts: unknown[] = [];
  for (const fixture of next) {
    const verdict = await executor.execute(fixture.job);
    const { cpuSeconds, wallSeconds, peakMemoryBytes, nearLimit, ...measurements } = verdict.measurements;
    verdicts.push({ name: fixture.name, code: codeOf(fixture, verdict), ...verdict, measurements });
    expect([cpuSeconds, wallSeconds, peakMemoryBytes].every(Number.isFinite)).toBe(true);
    expect(typeof nearLimit).toBe('boolean');
  }
  return verdicts;
}

/** CPU time of the judge itself for one candidate, beyond which the kernel ends it: `_limit_own_time` of `python/judge.py`. */
function judgeLimit({ cpuSeconds }: { readonly cpuSeconds: number }): number {
  return 1 + 2 * cpuSeconds;
}

/**
 * The seconds that a verdict may have taken: its limits, those of the second run where it met one, and the judge's own where it died of a
 * value.
 */
function allowedSeconds(executor: ProcessExecutor, { outcome, measurements }: Verdict): number {
  const { cpuSeconds, wallSeconds } = adaptedLimits(executor.info.limits, executor.info.calibration);
  const ranTwice = measurements.nearLimit || (outcome.status === 'limit' && ['cpu', 'blocked'].includes(outcome.resource));
  const runs = ranTwice ? [1, RERUN_FACTOR] : [1];
  const isJudges = outcome.status === 'limit' && outcome.resource === 'cpu' && measurements.cpuSeconds === 0;
  const seconds = runs.map((factor) =>
    isJudges ? judgeLimit({ cpuSeconds: factor * cpuSeconds }) : factor * Math.max(cpuSeconds, wallSeconds),
  );
  return seconds.reduce((sum, each) => sum + each, 0);
}
