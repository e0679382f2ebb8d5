/** A job on its way through the executor, with the promise that was made for it. Decides nothing about either. */
import { FaultlineError } from '../errors.js';
import type { ExecutionJob } from './executor.js';
import type { Schedulable } from './schedule.js';
import type { Slot } from './slot.js';
import type { Verdict } from './verdict.js';

export class Task implements Schedulable {
  /** The verdict of the first run, when this is the second one. */
  first: Verdict | null = null;
  /** Workers that died under this job in a way that it may have brought about. One may be chance; two, on a machine that works, are its doing. */
  deaths = 0;
  /** What `outOfMemoryKills` said when a run after such a death began; null before, and where it says nothing. */
  killsBefore: number | null = null;
  /** Set while it runs. */
  slot: Slot | null = null;
  private isDone = false;

  /** @param release lets go of the caller's signal */
  constructor(
    readonly job: ExecutionJob,
    private readonly settle: { readonly resolve: (verdict: Verdict) => void; readonly reject: (error: Error) => void },
    private readonly release: () => void,
  ) {}

  get done(): boolean {
    return this.isDone;
  }

  get hashSeed(): number {
    return this.job.hashSeed ?? 0;
  }

  /** Keeps the promise. Without effect once that is kept or broken, as is `reject`. */
  resolve(verdict: Verdict): void {
    this.finish(() => this.settle.resolve(verdict));
  }

  reject(error: Error): void {
    this.finish(() => this.settle.reject(error));
  }

  private finish(action: () => void): void {
    if (this.isDone) return;
    this.isDone = true;
    this.release();
    action();
  }
}

/** What a caller reads who took a job back. */
export function aborted(job: ExecutionJob): FaultlineError {
  return new FaultlineError('interrupted', `the execution of ${job.taskId} sample ${job.sampleIndex} was aborted`);
}
