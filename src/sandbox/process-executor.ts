/**
 * The sandbox: executes jobs on a pool of isolated workers, and decides what becomes of a job once its worker has answered or died
 * (verdict, second run, another try, or the end of the run). Which job starts when stands in `schedule.ts`, what a slot does with its workers
 * in `slot.ts`, whose doing a death was in `ends.ts`; what a worker is stands in `worker.ts`, what happens inside in `python/`.
 */
import os from 'node:os';
import { FaultlineError } from '../errors.js';
import { blameFor, failureOf, HUNG, mayBeOutside, metTimeLimit, withCause } from './ends.js';
import type { ExecutionJob, Executor, ExecutorInfo, Limits } from './executor.js';
import { adaptedLimits, calibrationOf, checkedLimits, DEFAULT_LIMITS, hungMilliseconds, RERUN_FACTOR } from './limits.js';
import { outOfMemoryKills } from './out-of-memory.js';
import { probe } from './probe.js';
import { judgeJob, type JudgeAnswer } from './protocol.js';
import { findPython, type Python } from './python.js';
import { Schedule } from './schedule.js';
import { diskIsFull, fullDisk, metFullDisk, scratchBytes } from './scratch.js';
import { placeOf, Slot } from './slot.js';
import { aborted, Task } from './task.js';
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

/** A task whose job a worker has received. */
interface Handed {
  readonly task: Task;
  readonly worker: Worker;
  readonly limits: Limits;
  /** Rejects as `Worker.judge` does. */
  readonly answer: Promise<JudgeAnswer>;
}

export class ProcessExecutor implements Executor {
  private readonly slots: readonly Slot[];
  private readonly schedule: Schedule<Task, Handed>;
  private failuresInARow = 0;
  private failure: FaultlineError | null = null;
  private readonly running = new Set<Promise<void>>();

  private constructor(
    readonly info: ExecutorInfo,
    python: Python,
    private readonly jobsPerWorker: number,
    first: Worker,
  ) {
    const { workers, tier, limits } = info;
    this.slots = Array.from({ length: workers }, (_, index) => {
      const start = (hashSeed: number): Promise<Worker> =>
        Worker.start(python, tier, scratchBytes(limits), { ...placeOf(index, workers), hashSeed });
      return new Slot(index, start, index === 0 ? first : null);
    });
    this.schedule = new Schedule<Task, Handed>(workers, {
      start: (task, slot, handed) => this.start(task, this.slots[slot]!, handed),
      handAhead: (task, slot) => this.handAhead(task, this.slots[slot]!),
      giveUp: (slot) => this.retire(this.slots[slot]!),
    });
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
      const task = new Task(job, { resolve, reject }, release);
      signal?.addEventListener('abort', onAbort);
      this.schedule.add(task);
    });
  }

  async dispose(): Promise<void> {
    this.stop(new FaultlineError('interrupted', 'the sandbox was closed'));
    // A worker that is being started is killed by its slot as soon as it is up.
    await Promise.all(this.running);
    await Promise.all(this.slots.map((slot) => slot.gone()));
  }

  /** The slot is the task's until everything is done about it, and the next one's after that. */
  private start(task: Task, slot: Slot, handed: Handed | null): void {
    task.slot = slot;
    const run = (handed === null ? this.begin(task, slot) : this.follow(handed, slot)).finally(() => {
      this.running.delete(run);
      task.slot = null;
      this.schedule.ended(slot.index);
    });
    this.running.add(run);
  }

  private handAhead(task: Task, { worker }: Slot): Handed | null {
    if (worker === null || worker.jobs + 1 >= this.jobsPerWorker || this.diskIsFull()) return null;
    const handed = this.hand(task, worker);
    // Nobody looks at the answer of a job that is handed back.
    handed.answer.catch(() => undefined);
    return handed;
  }

  private hand(task: Task, worker: Worker): Handed {
    // More time throughout, or for what is looked at more closely alone.
    const [throughout, closer] = task.first === null ? [1, RERUN_FACTOR] : [RERUN_FACTOR, 1];
    const limits = adaptedLimits(this.info.limits, this.info.calibration, throughout);
    // Of a job that runs alone, and of no other: what is killed meanwhile may be anybody's, and each look takes time.
    if (task.deaths > 0) task.killsBefore = outOfMemoryKills();
    return { task, worker, limits, answer: worker.judge(judgeJob(task.job, limits, closer)) };
  }

  /** Finds the slot a worker, and has that do the task. */
  private async begin(task: Task, slot: Slot): Promise<void> {
    slot.turnTo(task.hashSeed);
    let worker: Worker;
    try {
      worker = await slot.ready();
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
    this.schedule.received(slot.index);
    try {
      const answer = await pending.finally(() => this.schedule.answered(slot.index));
      // The judge noticed before the launcher, which knows how the zygote ended.
      if (answer.retry) throw await worker.death();
      clearTimeout(hung);
      if (answer.renew || worker.jobs >= this.jobsPerWorker) this.retire(slot);
      if (metFullDisk(answer.verdict) && this.diskIsFull()) this.failed(task, fullDisk());
      else if (task.deaths === 0 && mayBeOutside(answer.verdict)) {
        task.deaths++;
        this.rerun(task, 'againAlone');
      } else if (task.killsBefore === null) this.settle(task, answer.verdict);
      else this.settle(task, withCause(answer.verdict, (outOfMemoryKills() ?? 0) > task.killsBefore));
    } catch (error) {
      clearTimeout(hung);
      this.retire(slot);
      if (!(error instanceof WorkerEnded)) {
        task.reject(error as Error);
        return;
      }
      const blame = watch.isHung ? HUNG : blameFor(error.end, this.info.tier);
      if (blame.on === 'machine') this.failed(task, failureOf(error), blame.again);
      else if (blame.on === 'sample') this.settle(task, unmeasuredVerdict(blame.outcome, 'call'));
      else await this.workerDied(task, slot, blame.outcome);
    }
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
      this.rerun(task, 'againAlone');
      return;
    }
    try {
      await probe(await slot.ready(), adaptedLimits(this.info.limits, this.info.calibration, RERUN_FACTOR));
    } catch (error) {
      this.retire(slot);
      this.failed(task, error instanceof WorkerEnded ? failureOf(error) : (error as Error));
      return;
    }
    this.failuresInARow = 0;
    // A second run would only kill two workers more.
    task.resolve(task.first ?? unmeasuredVerdict(outcome, 'call'));
  }

  /** A verdict that stands unless a time limit calls for a second run. */
  private settle(task: Task, verdict: Verdict): void {
    this.failuresInARow = 0;
    if (task.first !== null)
      task.resolve(metTimeLimit(verdict) ? task.first : { ...verdict, measurements: { ...verdict.measurements, nearLimit: true } });
    else if (metTimeLimit(verdict) && task.job.looksCloser !== false) {
      task.first = verdict;
      this.rerun(task, 'addAlone');
    } else task.resolve(verdict);
  }

  /** A failure that is not the sample's: once more, and alone where that may help, unless it is the third in a row. */
  private failed(task: Task, error: Error, next: 'beside others' | 'alone' = 'beside others'): void {
    if (this.failure !== null) {
      task.reject(this.failure);
      return;
    }
    if (task.done) return;
    this.failuresInARow++;
    if (this.failuresInARow < INFRASTRUCTURE_MOST) {
      // A second run is one that is alone.
      this.rerun(task, next === 'alone' || task.first !== null ? 'againAlone' : 'again');
      return;
    }
    const hint =
      error instanceof FaultlineError && error.hint !== undefined
        ? error.hint
        : 'Run `faultline doctor`, and start the same command again to resume.';
    const reason = `the sandbox failed ${INFRASTRUCTURE_MOST} times in a row: ${error.message}`;
    const final = new FaultlineError('infrastructure', reason, { hint, cause: error });
    task.reject(final);
    this.stop(final);
  }

  /** Has a task wait for its turn once more; where all is stopped no turn comes. */
  private rerun(task: Task, line: 'again' | 'againAlone' | 'addAlone'): void {
    if (this.failure === null) this.schedule[line](task);
    else task.reject(this.failure);
  }

  private retire(slot: Slot): void {
    slot.retire();
    this.schedule.handBack(slot.index);
  }

  private diskIsFull(): boolean {
    return diskIsFull(this.info.tier, this.info.limits);
  }

  private abort(task: Task): void {
    if (task.done) return;
    if (task.slot !== null) this.retire(task.slot);
    task.reject(aborted(task.job));
  }

  /** Rejects everything that waits or runs, now and later, and kills all workers. */
  private stop(failure: FaultlineError): void {
    this.failure ??= failure;
    for (const slot of this.slots) {
      this.retire(slot);
      slot.close(this.failure);
    }
    for (const task of this.schedule.stop()) task.reject(failure);
  }
}
