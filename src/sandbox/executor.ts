/**
 * The interface between whoever has programs to run and whatever runs them. Holds no implementation:
 * `process-executor.ts` is the sandbox. Decoding and the pipeline depend on this file alone.
 */
import type { IsolationTier, Verdict } from './verdict.js';

/** Limits of one execution. The defaults stand in `limits.ts`. */
export interface Limits {
  /** CPU time of the whole check, before calibration. */
  readonly cpuSeconds: number;
  /**
   * Time the candidate may spend blocked: neither computing nor waiting for a core, waits for the judge left out. On kernels that do not say
   * who waits for a core, a sample that computes now and then is not seen to be blocked, and may hold a worker for ten times as long.
   */
  readonly wallSeconds: number;
  readonly memoryBytes: number;
  readonly outputBytes: number;
  readonly fileBytes: number;
  /** Threads of one candidate, itself included. It can start no processes in any case. */
  readonly processes: number;
}

/** One program to judge: the program is `prompt + completion`. */
export interface ExecutionJob {
  readonly taskId: string;
  readonly prompt: string;
  readonly entryPoint: string;
  readonly test: string;
  readonly completion: string;
  /** Fixes `random`'s seed inside the sandbox together with the task and the program's text. */
  readonly seed: number;
  readonly sampleIndex: number;
  /** PYTHONHASHSEED of the candidate's interpreter, 32 bits; default 0. Each further one costs its own warm worker. */
  readonly hashSeed?: number;
  /** Try every assertion alone also where the program passes, as is always done where it fails by a value or in a call; default false. */
  readonly tryAssertions?: boolean;
  /** Look closer at a failure, by its assertions one by one, by its text, and by a second run where it met a time limit; default true. */
  readonly looksCloser?: boolean;
  /** Ask of a program that passes whether the hash seed may show in it (`Measurements.hashSeedMayShow`); default false. */
  readonly asksHashSeed?: boolean;
}

/** What an experiment records about where its verdicts come from. */
export interface ExecutorInfo {
  readonly tier: IsolationTier;
  /** Why not the better tier, and what this one lacks; null when it is the best and whole. */
  readonly tierReason: string | null;
  /** Such as `3.11.7`. */
  readonly pythonVersion: string;
  readonly pythonPath: string;
  readonly workers: number;
  readonly limits: Limits;
  /** This machine's speed on the reference loop relative to the reference; time limits are divided by it where it is below 1. */
  readonly calibration: number;
}

export interface Executor {
  readonly info: ExecutorInfo;
  /**
   * Judges one job. Calls may overlap: up to `info.workers` run at a time, the rest wait in order.
   * Rejects with a FaultlineError when aborted, when disposed, or when workers fail to start, or to do the simplest job,
   * three times in a row; whatever the sample does is a verdict, never a rejection.
   */
  execute(job: ExecutionJob, signal?: AbortSignal): Promise<Verdict>;
  /** Kills every process and waits for it. Idempotent. */
  dispose(): Promise<void>;
}
