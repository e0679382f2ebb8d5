/**
 * Frames between faultline and a judge: four bytes of length (little-endian), then JSON. Both ends are trusted, the checks
 * here catch a broken pipe or a wrong version, not an attack: what a candidate writes never gets this far.
 */
import { createHash } from 'node:crypto';
import { FaultlineError } from '../errors.js';
import type { ExecutionJob, Limits } from './executor.js';
import type { Verdict } from './verdict.js';

/** What the judge is asked. Its field names are read by `python/judge.py`, and what it sends on by `python/supervisor.py` and `python/candidate.py`. */
export interface JudgeJob extends Limits {
  /** For messages. */
  readonly taskId: string;
  /** prompt + completion, as executed. */
  readonly program: string;
  /** Whole lines that the prompt contributes: later lines are the sample's. */
  readonly promptLines: number;
  readonly prompt: string;
  readonly entryPoint: string;
  readonly test: string;
  /** How many times as much time a closer look at a failure gets that met a time limit; 1 for none. */
  readonly moreTime: number;
  /** Whether every assertion is tried alone also where the program passes. */
  readonly tryAssertions: boolean;
  /** Whether a failure is looked at again. */
  readonly looksCloser: boolean;
  /** Whether to look for the hash seed in a program that passes. */
  readonly asksHashSeed: boolean;
  /** Seeds `random` in candidate and judge: a function of the run's seed, the task and the program's text. */
  readonly seed: string;
}

/** What the judge answers to a job. */
export interface JudgeAnswer {
  readonly verdict: Verdict;
  /** Every candidate that the job took, in order: the verdict's measurements are the first one's. */
  readonly passes: readonly PassTimes[];
  /** The isolation was used in a way that calls for a new one. */
  readonly renew: boolean;
  /** The zygote died under one of the passes: the verdict is `infra`, or lacks what that pass would have found. Another attempt may not meet it. */
  readonly retry: boolean;
}

/** What one candidate took, from fork to end, and the limits that it had. */
export interface PassTimes {
  readonly cpuSeconds: number;
  /** The judge's time between calls included, to which `limits.wallSeconds` does not apply. */
  readonly wallSeconds: number;
  /** What the judge itself computed for it, which has a limit of its own: `python/judge.py`, `_limit_own_time`. */
  readonly judgeCpuSeconds: number;
  readonly limits: Pick<Limits, 'cpuSeconds' | 'wallSeconds'>;
}

/** The first message of a judge, and its answer to `{ calibrate: true }`. */
export interface JudgeReady {
  readonly ready: true;
  readonly python: string;
}
export interface JudgeCalibration {
  /** CPU seconds of the reference loop. */
  readonly calibration: number;
}

export type JudgeMessage = JudgeAnswer | JudgeReady | JudgeCalibration;

const FRAME_BYTES_MOST = 64 << 20;

export function judgeJob(job: ExecutionJob, limits: Limits, moreTime = 1): JudgeJob {
  return {
    ...limits,
    moreTime,
    taskId: job.taskId,
    program: job.prompt + job.completion,
    promptLines: countLines(job.prompt),
    prompt: job.prompt,
    entryPoint: job.entryPoint,
    test: job.test,
    tryAssertions: job.tryAssertions ?? false,
    looksCloser: job.looksCloser ?? true,
    asksHashSeed: job.asksHashSeed ?? false,
    // Not the sample's index: identical programs are executed once, and so must not draw different numbers.
    seed: `${job.seed}/${job.taskId}/${createHash('sha256').update(job.prompt).update(job.completion).digest('hex')}`,
  };
}

/** Line ends as Python's tokenizer counts them. */
function countLines(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}

/** One message as a frame. Lone surrogates travel as JSON escapes. */
export function encodeFrame(message: JudgeJob | { readonly calibrate: true }): Buffer {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32LE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** Cuts a stream of bytes into messages. Not reusable after an error. */
export class FrameReader {
  private chunks: Buffer[] = [];
  private length = 0;

  /** Takes bytes as they come; returns the messages that are now whole. Throws a FaultlineError (`internal`) on nonsense. */
  push(chunk: Buffer): JudgeMessage[] {
    this.chunks.push(chunk);
    this.length += chunk.length;
    const messages: JudgeMessage[] = [];
    while (this.length >= 4) {
      const data = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
      this.chunks = [data];
      const size = data.readUInt32LE(0);
      if (size > FRAME_BYTES_MOST) throw new FaultlineError('internal', `a judge announced a message of ${size} bytes`);
      if (data.length < 4 + size) break;
      messages.push(parseMessage(data.subarray(4, 4 + size)));
      this.chunks = [data.subarray(4 + size)];
      this.length -= 4 + size;
    }
    return messages;
  }
}

function parseMessage(body: Buffer): JudgeMessage {
  const message = JSON.parse(body.toString('utf8')) as unknown;
  if (typeof message === 'object' && message !== null) {
    if ('verdict' in message && 'passes' in message && 'renew' in message && 'retry' in message) return message as JudgeAnswer;
    if ('ready' in message && 'python' in message) return message as JudgeReady;
    if ('calibration' in message) return message as JudgeCalibration;
  }
  throw new FaultlineError('internal', `a judge sent an unknown message: ${body.toString('utf8').slice(0, 200)}`);
}
