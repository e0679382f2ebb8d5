/**
 * The sandbox: executes jobs on a pool of isolated workers. Holds the policy around them (order, second runs alone, retries,
 * renewal); what a worker is stands in `worker.ts`, what happens inside in `python/`.
 */
import { statfsSync } from 'node:fs';
import os from 'node:os';
import { LEAST_EXECUTION_BYTES } from '../config/schema.js';
import { FaultlineError } from '../errors.js';
import type { ExecutionJob, Executor, ExecutorInfo, Limits } from './executor.js';
import { adaptedLimits, calibrationOf, DEFAULT_LIMITS, RERUN_FACTOR } from './limits.js';
import type { CompartmentEnd, LaunchOptions } from './launcher.js';
import { judgeJob, type JudgeAnswer } from './protocol.js';
import { findPython, type Python } from './python.js';
import { startIsolated, type IsolatingTier } from './tiers.js';
import { unmeasuredVerdict, type Outcome, type Verdict } from './verdict.js';
import { Worker, WorkerEnded } from './worker.js';

export interface ProcessExecutorOptions {
  /** Interpreter by path or command name; default: the first usable `python3`. */
  readonly python?: string;
  /** Executions at a time; default: as many as this process may use cores. */
  readonly workers?: number;
  readonly limits?: Partial<Limits>;
  /** A stored measure of this machine's speed, so that a resumed run has the same limits; default: measured. */
  readonly calibration?: number;
  /** The isolation to use, and no other; default: the best that this machine allows. */
  readonly tier?: IsolatingTier;
  /** Jobs after which a worker is replaced, so that nothing can build up in a test's or the kernel's hidden state; default: 5,000. */
  readonly jobsPerWorker?: number;
  /** Runs without any isolation (`--unsafe-no-sandbox`), recorded as tier `none`. */
  readonly unsafe?: boolean;
}

/** Failures of the machine in a row, over all jobs, that end the run: workers that do not start or cannot do the simplest job. */
const INFRASTRUCTURE_MOST = 3;
/** See ProcessExecutorOptions.jobsPerWorker. */
const JOBS_PER_WORKER = 5000;
/** What a judge may take for one job, in limits: the test, its assertions one by one, without write-back, and the text; each of these three with more time, too. */
const PASSES_MOST = 4 + 3 * RERUN_FACTOR;
/** How long after everything inside must have ended a worker is taken for hung. */
const HUNG_MARGIN_SECONDS = 30;
/** Tells a machine on which nothing runs from a sample that kills its workers. */
const PROBE: ExecutionJob = {
  taskId: 'probe',
  prompt: 'def f(x):\n',
  entryPoint: 'f',
  test: 'assert f(1) == 2\n',
  completion: '    return x + 1\n',
  seed: 0,
  sampleIndex: 0,
};

interface Task {
  readonly job: ExecutionJob;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: Error) => void;
  /** Lets go of the caller's signal. */
  readonly release: () => void;
  /** The verdict of the first run, when this is the second one. */
  first: Verdict | null;
  /** Workers that died under this job in a way that it may have brought about. One may be chance; two, on a machine that works, are its doing. */
  deaths: number;
  /** Set while it runs. */
  slot: Slot | null;
  done: boolean;
}

/** A task whose job a worker has received. */
interface Handed {
  readonly task: Task;
  readonly worker: Worker;
  readonly limits: Limits;
  /** Rejects as `Worker.judge` does. */
  readonly answer: Promise<JudgeAnswer>;
}

/**
 * A place for one execution at a time. Its worker is started when first needed and again after each end. Jobs under another
 * hash seed need another interpreter: the workers of other seeds rest meanwhile.
 */
interface Slot {
  /** Of `hashSeed`. */
  worker: Worker | null;
  hashSeed: number;
  readonly place: LaunchOptions;
  /** By hash seed, the longest unused first. */
  readonly resting: Map<number, Worker>;
  busy: boolean;
  /** Whether its worker is at an ordinary job, so that the next one may be handed over. */
  takesAhead: boolean;
  /** What the worker does next, at once. It counts as begun only when its turn has come: a worker that is given up hands it back. */
  ahead: Handed | null;
}

/** Each holds a warm interpreter's memory. Two beside the current one serve fragility's three seeds without a restart. */
const RESTING_MOST = 2;

export class ProcessExecutor implements Executor {
  private readonly slots: Slot[];
  private readonly queue: Task[] = [];
  /** Second runs: each is alone on the machine as far as this executor goes. */
  private readonly secondRuns: Task[] = [];
  /** The second run that is on: until its end nothing else starts. */
  private alone: Task | null = null;
  private failuresInARow = 0;
  private failure: FaultlineError | null = null;
  private readonly running = new Set<Promise<void>>();
  private readonly ending = new Set<Promise<void>>();

  private constructor(
    readonly info: ExecutorInfo,
    private readonly python: Python,
    private readonly jobsPerWorker: number,
    first: Worker,
  ) {
    this.slots = Array.from({ length: info.workers }, (_, index) => ({
      worker: index === 0 ? first : null,
      hashSeed: 0,
      place: placeOf(index, info.workers),
      resting: new Map(),
      busy: false,
      takesAhead: false,
      ahead: null,
    }));
  }

  /**
   * Finds Python, builds the isolation once for real and measures the machine's speed.
   * Throws a FaultlineError: `environment` where samples cannot be isolated (with the reason and the fix), `usage` for limits
   * that make no sense.
   */
  static async create(options: ProcessExecutorOptions = {}): Promise<ProcessExecutor> {
    const limits = checkedLimits({ ...DEFAULT_LIMITS, ...options.limits });
    const workers = options.workers ?? os.availableParallelism();
    if (!Number.isInteger(workers) || workers < 1)
      throw new FaultlineError('usage', `workers must be a whole number of at least 1, not ${workers}`);
    const python = await findPython(options.python);
    const {
      tier,
      reason,
      worker: first,
    } = options.unsafe === true
      ? {
          tier: 'none' as const,
          reason: '--unsafe-no-sandbox was given',
          worker: await Worker.start(python, 'none', scratchBytes(limits), placeOf(0, workers)),
        }
      : await startIsolated(python, scratchBytes(limits), options.tier, placeOf(0, workers));
    try {
      const calibration = options.calibration ?? calibrationOf(await first.calibrate());
      if (!(calibration > 0)) throw new FaultlineError('usage', `calibration must be above 0, not ${calibration}`);
      const info: ExecutorInfo = {
        tier,
        tierReason: reason,
        pythonVersion: first.pythonVersion,
        pythonPath: python.path,
        workers,
        limits,
        calibration,
      };
      return new ProcessExecutor(info, python, options.jobsPerWorker ?? JOBS_PER_WORKER, first);
    } catch (error) {
      first.kill();
      await first.exit;
      throw error;
    }
  }

  execute(job: ExecutionJob, signal?: AbortSignal): Promise<Verdict> {
    return new Promise((resolve, reject) => {
      if (this.failure !== null) {
        reject(this.failure);
        return;
      }
      if (signal?.aborted === true) {
        reject(aborted(job));
        return;
      }
      const onAbort = (): void => {
        this.abort(task);
      };
      // One signal may serve a whole run: a listener must not outlive its job.
      const release = (): void => signal?.removeEventListener('abort', onAbort);
      const task: Task = { job, resolve, reject, release, first: null, deaths: 0, slot: null, done: false };
      signal?.addEventListener('abort', onAbort);
      this.queue.push(task);
      this.dispatch();
    });
  }

  async dispose(): Promise<void> {
    this.stop(new FaultlineError('interrupted', 'the sandbox was closed'));
    // A worker that is being started is killed as soon as it is up, by the run that started it.
    await Promise.all(this.running);
    await Promise.all(this.ending);
  }

  /** Starts whatever may start now. */
  private dispatch(): void {
    if (this.failure !== null || this.alone !== null) return;
    for (const slot of this.slots) if (!slot.busy) this.goOn(slot);
    while (this.secondRuns.length > 0) {
      // While one waits nothing else starts, so that it gets its turn.
      if (this.slots.some((slot) => slot.busy)) return;
      const task = this.secondRuns.shift()!;
      if (task.done) continue;
      this.alone = task;
      this.occupy(this.slots[0]!, task, this.begin(task, this.slots[0]!));
      return;
    }
    for (;;) {
      const free = this.slots.find((slot) => !slot.busy);
      if (free === undefined) break;
      const task = this.queue.shift();
      if (task === undefined) return;
      if (!task.done) this.occupy(free, task, this.begin(task, free));
    }
    for (const slot of this.slots) this.handAhead(slot);
  }

  /** The slot is the task's until `end`, and the next one's after that. */
  private occupy(slot: Slot, task: Task, end: Promise<void>): void {
    slot.busy = true;
    task.slot = slot;
    const run = end.finally(() => {
      this.running.delete(run);
      slot.busy = false;
      task.slot = null;
      if (this.alone === task) this.alone = null;
      this.dispatch();
    });
    this.running.add(run);
  }

  /**
   * Hands a worker that is at an ordinary job the next one, so that it need not wait for this process in between. Nothing is handed ahead while
   * a second run waits to be alone or is, nor of the last few jobs, which go to whoever is free first.
   */
  private handAhead(slot: Slot): void {
    if (!slot.takesAhead || slot.ahead !== null || slot.worker === null || slot.worker.jobs + 1 >= this.jobsPerWorker) return;
    if (this.alone !== null || this.secondRuns.length > 0) return;
    while (this.queue[0]?.done === true) this.queue.shift();
    if (this.queue.length < this.slots.length || this.diskIsFull()) return;
    const next = this.queue[0]!;
    if (next.deaths > 0 || (next.job.hashSeed ?? 0) !== slot.hashSeed) return;
    this.queue.shift();
    slot.ahead = this.hand(next, slot.worker);
    // Nobody looks at the answer of a job that is handed back.
    slot.ahead.answer.catch(() => undefined);
  }

  /** Begins the job that a free slot's worker has already, if it has one. */
  private goOn(slot: Slot): void {
    const { ahead } = slot;
    slot.ahead = null;
    if (ahead === null) return;
    // Aborted: the worker does not know, and may be at it.
    if (ahead.task.done) this.retire(slot);
    else this.occupy(slot, ahead.task, this.follow(ahead, slot));
  }

  private hand(task: Task, worker: Worker): Handed {
    // More time throughout, or for what is looked at more closely alone.
    const [throughout, closer] = task.first === null ? [1, RERUN_FACTOR] : [RERUN_FACTOR, 1];
    const limits = adaptedLimits(this.info.limits, this.info.calibration, throughout);
    return { task, worker, limits, answer: worker.judge(judgeJob(task.job, limits, closer)) };
  }

  /** Finds the slot a worker, and has that do the task. */
  private async begin(task: Task, slot: Slot): Promise<void> {
    this.turnTo(slot, task.job.hashSeed ?? 0);
    let worker: Worker;
    try {
      worker = await this.workerOf(slot);
    } catch (error) {
      this.failed(task, error as Error);
      return;
    }
    if (task.done) return;
    if (this.diskIsFull()) {
      this.failed(task, fullDisk());
      return;
    }
    await this.follow(this.hand(task, worker), slot);
  }

  /** Waits for the answer, for as long as the worker is not taken for hung, and decides what becomes of the task. */
  private async follow({ task, worker, limits, answer: pending }: Handed, slot: Slot): Promise<void> {
    const watch = { isHung: false };
    const hung = setTimeout(() => {
      watch.isHung = true;
      worker.kill();
    }, hungMilliseconds(limits));
    slot.takesAhead = task.first === null && task.deaths === 0;
    this.handAhead(slot);
    try {
      const answer = await pending.finally(() => {
        slot.takesAhead = false;
      });
      // The judge noticed before the launcher, which knows how the zygote ended.
      if (answer.retry) throw await worker.death();
      clearTimeout(hung);
      if (answer.renew || worker.jobs >= this.jobsPerWorker) this.retire(slot);
      if (metFullDisk(answer.verdict) && this.diskIsFull()) this.failed(task, fullDisk());
      else if (task.deaths === 0 && mayBeOutside(answer.verdict)) {
        task.deaths++;
        this.againAlone(task);
      } else this.settle(task, answer.verdict);
    } catch (error) {
      clearTimeout(hung);
      this.retire(slot);
      if (!(error instanceof WorkerEnded)) {
        this.finish(task, (own) => {
          own.reject(error as Error);
        });
        return;
      }
      const { end } = error;
      if (watch.isHung) {
        await this.workerDied(task, slot, { status: 'limit', resource: 'blocked', exception: null });
      } else if (end === null) {
        // Nothing inside reaches the launcher.
        this.failed(task, new FaultlineError('infrastructure', describeEnd(error)));
      } else if (end.compartment === 'judge' && end.by === 'signal') {
        const signal = signalName(end.number);
        const resource = CPU_SIGNALS.has(signal) ? 'cpu' : 'memory';
        const outcome: Outcome = { status: 'limit', resource, exception: null };
        // The judge's own limits, or what it computed with a value of the candidate's. Other signals come from outside, be it from
        // the kernel when memory runs out: that may be anybody's doing.
        if (OWN_SIGNALS.has(signal)) this.settle(task, unmeasuredVerdict(outcome, 'call'));
        else await this.workerDied(task, slot, outcome);
      } else if (this.isForeignKill(end)) {
        // Alone, as others may have taken the memory for which the kernel killed it.
        this.failed(task, new FaultlineError('infrastructure', describeEnd(error)), 'alone');
      } else await this.workerDied(task, slot, outcomeOf(end));
    }
  }

  /**
   * Whether somebody outside, or the kernel for lack of memory, killed a zygote, so that no number of repetitions makes it the sample's doing.
   *
   * A candidate has no way to send its zygote a signal. In tier `namespaces` the zygote is the first process of its namespace, which the kernel
   * keeps from all signals from inside. In tier `landlock` the candidate's filter lets kill, tkill, tgkill and their queueing kin reach its own
   * process only, and the compartment's refuses signals by a process's descriptor and descriptors that signal whom they are told to (F_SETOWN).
   * Nor can it have the kernel choose the zygote: limits bind each process for itself, and when memory runs out a candidate that has taken it is
   * larger than the zygote, and as early to go. What it writes reaches the zygote as bytes of limited number, or in a page of shared memory, of
   * which one byte is read.
   *
   * Signals by which a process ends through what it does itself are left to count as the sample's when they repeat: a fault of the zygote's code
   * that a program has found must not end the run; nor must an exit, for the same reason. In tier `none` a program can kill whom it likes.
   */
  private isForeignKill(end: CompartmentEnd): boolean {
    if (this.info.tier === 'none') return false;
    return end.compartment === 'zygote' && end.by === 'signal' && !OWN_SIGNALS.has(signalName(end.number));
  }

  /**
   * A worker died under a job without a verdict. The first time the job runs again on a fresh worker, alone, as others may have taken the
   * memory. The second time it is the sample's outcome, provided that the machine can still do the simplest job.
   */
  private async workerDied(task: Task, slot: Slot, outcome: Outcome): Promise<void> {
    if (task.done) return;
    if (this.failure !== null) {
      this.failed(task, this.failure);
      return;
    }
    task.deaths++;
    if (task.deaths === 1) {
      this.againAlone(task);
      return;
    }
    const limits = adaptedLimits(this.info.limits, this.info.calibration, RERUN_FACTOR);
    let hung: NodeJS.Timeout | undefined;
    try {
      this.retire(slot);
      const worker = await this.workerOf(slot);
      hung = setTimeout(() => {
        worker.kill();
      }, hungMilliseconds(limits));
      const answer = await worker.judge(judgeJob(PROBE, limits));
      if (!answer.verdict.passed) {
        this.retire(slot);
        const { status } = answer.verdict.outcome;
        throw new FaultlineError('infrastructure', `a program known to be right came to "${status}" in the sandbox`);
      }
    } catch (error) {
      if (error instanceof WorkerEnded) this.retire(slot);
      this.failed(task, error instanceof WorkerEnded ? new FaultlineError('infrastructure', describeEnd(error)) : (error as Error));
      return;
    } finally {
      clearTimeout(hung);
    }
    this.failuresInARow = 0;
    // A second run would only kill two workers more.
    const verdict = task.first ?? unmeasuredVerdict(outcome, 'call');
    this.finish(task, (own) => {
      own.resolve(verdict);
    });
  }

  /** Makes the worker of a hash seed the slot's own, where there is one, and lets the other rest. */
  private turnTo(slot: Slot, hashSeed: number): void {
    if (slot.hashSeed === hashSeed) return;
    if (slot.worker !== null) slot.resting.set(slot.hashSeed, slot.worker);
    slot.worker = slot.resting.get(hashSeed) ?? null;
    slot.hashSeed = hashSeed;
    slot.resting.delete(hashSeed);
    for (const [seed, worker] of slot.resting) {
      if (slot.resting.size <= RESTING_MOST) break;
      this.end(worker);
      slot.resting.delete(seed);
    }
  }

  private async workerOf(slot: Slot): Promise<Worker> {
    if (slot.worker !== null && !slot.worker.isEnded) return slot.worker;
    const worker = await Worker.start(this.python, this.info.tier, scratchBytes(this.info.limits), {
      ...slot.place,
      hashSeed: slot.hashSeed,
    });
    this.track(worker);
    if (this.failure !== null) {
      worker.kill();
      throw this.failure;
    }
    slot.worker = worker;
    return worker;
  }

  private retire(slot: Slot): void {
    if (slot.worker === null) return;
    this.end(slot.worker);
    slot.worker = null;
    const { ahead } = slot;
    slot.ahead = null;
    if (ahead !== null && !ahead.task.done) this.again(ahead.task);
  }

  private end(worker: Worker): void {
    this.track(worker);
    worker.kill();
  }

  private track(worker: Worker): void {
    const end = worker.exit.finally(() => this.ending.delete(end));
    this.ending.add(end);
  }

  /** A verdict that stands unless a time limit calls for a second run. */
  private settle(task: Task, verdict: Verdict): void {
    this.failuresInARow = 0;
    if (task.first !== null) {
      const decided = metTimeLimit(verdict) ? task.first : { ...verdict, measurements: { ...verdict.measurements, nearLimit: true } };
      this.finish(task, (own) => {
        own.resolve(decided);
      });
      return;
    }
    if (metTimeLimit(verdict)) {
      task.first = verdict;
      if (!task.done) this.secondRuns.push(task);
      return;
    }
    this.finish(task, (own) => {
      own.resolve(verdict);
    });
  }

  /** A failure that is not the sample's: once more, and alone where that may help, unless it is the third in a row. */
  private failed(task: Task, error: Error, next: 'beside others' | 'alone' = 'beside others'): void {
    const failure = this.failure;
    if (failure !== null) {
      this.finish(task, (own) => {
        own.reject(failure);
      });
      return;
    }
    if (task.done) return;
    this.failuresInARow++;
    if (this.failuresInARow < INFRASTRUCTURE_MOST) {
      if (next === 'alone') this.againAlone(task);
      else this.again(task);
      return;
    }
    const hint =
      error instanceof FaultlineError && error.hint !== undefined
        ? error.hint
        : 'Run `faultline doctor`, and start the same command again to resume.';
    const reason = `the sandbox failed ${INFRASTRUCTURE_MOST} times in a row: ${error.message}`;
    const final = new FaultlineError('infrastructure', reason, { hint, cause: error });
    this.finish(task, (own) => {
      own.reject(final);
    });
    this.stop(final);
  }

  /** Puts a job that has no verdict yet where it is the next to run. */
  private again(task: Task): void {
    (task.first === null ? this.queue : this.secondRuns).unshift(task);
  }

  /** The same, with no other job beside it. */
  private againAlone(task: Task): void {
    if (!task.done) this.secondRuns.unshift(task);
  }

  /**
   * Whether programs find less room for their files than they may fill. In tier `namespaces` they write to memory of their own; in tier
   * `landlock` to a disk, which one program cannot fill, as the zygote measures.
   */
  private diskIsFull(): boolean {
    if (this.info.tier !== 'landlock') return false;
    try {
      const { bavail, bsize, ffree, files } = statfsSync(os.tmpdir());
      // Some file systems count no files.
      return bavail * bsize < scratchBytes(this.info.limits) || (files > 0 && ffree === 0);
    } catch {
      return false; // the folder is gone: the next worker's start says so
    }
  }

  private abort(task: Task): void {
    if (task.done) return;
    if (task.slot !== null) this.retire(task.slot);
    this.finish(task, (own) => {
      own.reject(aborted(task.job));
    });
  }

  private finish(task: Task, action: (own: Task) => void): void {
    if (task.done) return;
    task.done = true;
    task.release();
    action(task);
  }

  /** Rejects everything that waits or runs, now and later, and kills all workers. */
  private stop(failure: FaultlineError): void {
    this.failure ??= failure;
    for (const slot of this.slots) {
      this.retire(slot);
      for (const worker of slot.resting.values()) this.end(worker);
      slot.resting.clear();
    }
    for (const task of [...this.queue.splice(0), ...this.secondRuns.splice(0)])
      this.finish(task, (own) => {
        own.reject(failure);
      });
  }
}

/**
 * Where a worker runs. Each has a core of its own while there is one for each: its processes take turns, and waking the next on another
 * core costs more than what it does there. Where there are more workers than cores, nobody can say better than the system.
 */
function placeOf(index: number, workers: number): LaunchOptions {
  return workers <= os.availableParallelism() ? { core: index } : {};
}

/**
 * When a worker is taken for hung: the judge has limits of its own, and a pass takes both limits of the candidate's and what the machine keeps
 * it waiting, for which there is room for ten times the limit on blocked time; where nobody says who waits, the zygote ends it there.
 */
function hungMilliseconds({ wallSeconds }: Limits): number {
  return (10 * PASSES_MOST * wallSeconds + HUNG_MARGIN_SECONDS) * 1000;
}

/** Size of the folder that candidates may write to; a file system has at least a page. */
function scratchBytes(limits: Limits): number {
  return Math.max(4096, limits.fileBytes);
}

function metTimeLimit(verdict: Verdict): boolean {
  return verdict.outcome.status === 'limit' && (verdict.outcome.resource === 'cpu' || verdict.outcome.resource === 'blocked');
}

/** How the kernel ends a process that has used up its CPU time. */
const CPU_SIGNALS = new Set(['SIGPROF', 'SIGXCPU']);
/** Signals by which a process ends through what it does itself. */
const OWN_SIGNALS = new Set([...CPU_SIGNALS, 'SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGSYS', 'SIGTRAP']);

/**
 * Whether somebody else may have killed the program, be it the kernel when memory runs out: the zygote did not, or the outcome were a
 * limit. A program that kills itself does so again.
 */
function mayBeOutside({ outcome }: Verdict): boolean {
  return outcome.status === 'signal' && outcome.signal === 'SIGKILL';
}

/** Whether a write failed for lack of space, by the program's own account. */
function metFullDisk({ outcome }: Verdict): boolean {
  return outcome.status === 'limit' && outcome.resource === 'files' && /^\[Errno (28|122)\]/.test(outcome.exception?.message ?? '');
}

function fullDisk(): FaultlineError {
  return new FaultlineError('infrastructure', `programs have no room for their files, as ${os.tmpdir()} is full`, {
    hint: 'Free some space where temporary files go, or name another folder in TMPDIR; then start the same command again to resume.',
  });
}

/** What the kernel said of a worker's process. Only what a signal ended has a signal's name. */
function outcomeOf(end: CompartmentEnd): Outcome {
  if (end.by === 'exit') return { status: 'exit', code: end.number, via: 'process' };
  return { status: 'signal', signal: signalName(end.number) };
}

function describeEnd(error: WorkerEnded): string {
  const last = error.diagnostics.trim().split('\n').at(-1) ?? '';
  return last === '' ? error.message : `${error.message} (${last})`;
}

function signalName(number: number): string {
  return Object.entries(os.constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`;
}

function aborted(job: ExecutionJob): FaultlineError {
  return new FaultlineError('interrupted', `the execution of ${job.taskId} sample ${job.sampleIndex} was aborted`);
}

function checkedLimits(limits: Limits): Limits {
  for (const [name, value] of Object.entries(limits) as [string, number][]) {
    const least = name === 'fileBytes' ? value >= 0 : value > 0;
    if (!Number.isFinite(value) || !least)
      throw new FaultlineError('usage', `limit ${name} must be a number above 0, not ${String(value)}`);
  }
  if (limits.memoryBytes < LEAST_EXECUTION_BYTES)
    throw new FaultlineError('usage', `limit memoryBytes must be at least ${LEAST_EXECUTION_BYTES}, not ${limits.memoryBytes}`);
  return limits;
}
