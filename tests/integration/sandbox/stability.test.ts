/**
 * Stability: samples executed three times, on the machine as it is, beside twice as many busy loops as cores, and by eight
 * workers. No verdict changes but those of samples that are marked as near a limit, and these are counted.
 *
 * The samples: changed canonical solutions (wrong, crashing, endless and right ones), the canonical solutions themselves, and
 * the programs of the hostile suite. FAULTLINE_STABILITY_SAMPLES=2000 takes all of them, some five minutes on two cores; else every
 * fourth, and of those that meet a limit a third of each kind: they run twice, the second time by themselves, and take most of the time.
 *
 * Left out are the programs of the hostile suite whose outcome is chance by their own account: those with several outcomes (races with
 * the harness's own reads, ends that come by speed), the one that returns the time, and the one whose audit hook is told an address (of
 * `id`), which stands among its variables: an object may lie in the place of one that an earlier execution left free. What a program prints
 * before it is killed is not compared, nor where it was then.
 */
import os from 'node:os';
import { describe, expect, it } from 'vitest';
import { loadProblems } from '../../../src/datasets/problems.js';
import type { Problem } from '../../../src/datasets/problem.js';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import type { Verdict } from '../../../src/sandbox/verdict.js';
import { besideBusyLoops } from './busy-loops.js';
import { hostile, type Fixture } from './fixtures.js';
import { someMutants } from './mutants.js';
import { sharedFile } from './shared.js';

const humanEval = sharedFile('datasets/HumanEval.jsonl.gz');
const ALL = 2000;
const SAMPLES = Number(process.env['FAULTLINE_STABILITY_SAMPLES'] ?? ALL / 4);
const LIMITS = { cpuSeconds: 0.2, wallSeconds: 0.3, memoryBytes: 512 << 20 };
/** The clock shows in what the one returns, an address in the variables of the other. */
const BY_CHANCE = ['depends_on_the_clock.py', 'hooks_audit_events.py'];
/** Hostile programs with one outcome: others say themselves that chance has a part in theirs. */
const CERTAIN = hostile.filter(
  ({ name, outcomes, categories }) => outcomes.length === 1 && categories.length === 1 && !BY_CHANCE.includes(name),
);

describe.skipIf(humanEval === null)('stability (needs ../shared/datasets/HumanEval.jsonl.gz)', () => {
  it(`gives ${SAMPLES} samples the same verdicts, idle, beside busy loops, and by eight workers`, { timeout: 1_800_000 }, async () => {
    const jobs = await chosenJobs();
    expect(jobs).toHaveLength(SAMPLES);
    const idle = await verdictsOf(jobs, 2);
    const busy = await besideBusyLoops(2 * os.availableParallelism(), () => verdictsOf(jobs, 2));
    const crowded = await verdictsOf(jobs, 8);

    const nearLimit = jobs.flatMap((_, index) => ([idle, busy, crowded].some((run) => run[index]!.measurements.nearLimit) ? [index] : []));
    const changed = jobs.flatMap((job, index) => {
      const runs = [idle, busy, crowded].map((run) => resultOf(run[index]!));
      const isSame = runs.every((run) => JSON.stringify(run) === JSON.stringify(runs[0]));
      return isSame || nearLimit.includes(index) ? [] : [{ taskId: job.taskId, completion: job.completion, runs }];
    });
    const statuses = new Map<string, number>();
    for (const { outcome } of idle) {
      const status = outcome.status === 'limit' ? `limit of ${outcome.resource}` : outcome.status;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    console.log(`stability: ${nearLimit.length} of ${SAMPLES} samples near a limit; ${JSON.stringify(Object.fromEntries(statuses))}`);
    expect(changed).toEqual([]);
    // The mix holds what could change.
    for (const status of ['limit of cpu', 'limit of blocked', 'limit of memory', 'limit of output', 'signal', 'assertion', 'syntax']) {
      expect(statuses.get(status), status).toBeGreaterThan(0);
    }
    expect(statuses.get('passed')).toBeGreaterThan(SAMPLES / 10);
  });
});

async function chosenJobs(): Promise<ExecutionJob[]> {
  const bundled = (await loadProblems('pico-tasks')).problems;
  const larger = (await loadProblems(humanEval!)).problems;
  const jobOf = ({ taskId, prompt, entryPoint, test }: Problem, completion: string, sampleIndex: number): ExecutionJob => {
    return { taskId, prompt, entryPoint, test, completion, seed: 0, sampleIndex };
  };
  const changed = (problems: readonly Problem[], count: number): ExecutionJob[] =>
    problems.flatMap((problem, index) =>
      someMutants(problem.canonicalSolution, count, index).map((completion, number) => jobOf(problem, completion, number)),
    );
  const limited = CERTAIN.filter(({ outcomes }) => outcomes[0]!['status'] === 'limit').map(({ job }) => job);
  const others = CERTAIN.filter(({ outcomes }) => outcomes[0]!['status'] !== 'limit').map(({ job }) => job);
  const right = [...bundled, ...larger].map((problem) => jobOf(problem, problem.canonicalSolution, 0));
  const all = [...limited, ...right, ...others, ...changed(larger, 6), ...changed(bundled, 13)].slice(0, ALL);
  expect(all).toHaveLength(ALL);
  if (SAMPLES === ALL) return all;
  const few = CERTAIN.filter(isOneOfThree).map(({ job }) => job);
  const rest = all.slice(limited.length);
  const room = SAMPLES - few.length;
  return [...few, ...Array.from({ length: room }, (_, index) => rest[Math.floor((index * rest.length) / room)]!)];
}

/** Whether a program meets a limit, and is the first, fourth, ... of those that meet the same one. */
function isOneOfThree({ outcomes }: Fixture, index: number, fixtures: readonly Fixture[]): boolean {
  const resourceOf = (outcome: Fixture['outcomes'][number]): unknown => (outcome['status'] === 'limit' ? outcome['resource'] : null);
  const resource = resourceOf(outcomes[0]!);
  return resource !== null && fixtures.slice(0, index).filter((other) => resourceOf(other.outcomes[0]!) === resource).length % 3 === 0;
}

async function verdictsOf(jobs: readonly ExecutionJob[], workers: number): Promise<Verdict[]> {
  // One speed for all three, as an experiment measures it once.
  const executor = await ProcessExecutor.create({ workers, limits: LIMITS, calibration: 1 });
  try {
    return await Promise.all(jobs.map((job) => executor.execute(job)));
  } finally {
    await executor.dispose();
  }
}

/** What of a verdict is a result: not what is measured, and not how much a program had printed when it was killed. */
function resultOf({ outcome, passed, measurements }: Verdict): unknown {
  const { cpuSeconds, wallSeconds, peakMemoryBytes, stack, nearLimit, stdout, ...rest } = measurements;
  expect([cpuSeconds, wallSeconds, peakMemoryBytes].every(Number.isFinite)).toBe(true);
  expect(stack === null || Array.isArray(stack)).toBe(true);
  // Tamper: the judge hangs up on it, wherever it is.
  const isKilled = ['limit', 'signal', 'tamper'].includes(outcome.status);
  return { passed, outcome, ...rest, nearLimit, stdout: isKilled ? null : stdout };
}
