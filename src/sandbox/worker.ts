/**
 * One worker: a launcher with its judge and zygote, which does one job after the other. Decides nothing about samples:
 * it hands answers on, or says how the worker died.
 */
import { FaultlineError } from '../errors.js';
import {
  isolationHint,
  launch,
  parseEnd,
  parseNotes,
  parseRefusal,
  type CompartmentEnd,
  type Launched,
  type LaunchOptions,
} from './launcher.js';
import { encodeFrame, FrameReader, type JudgeAnswer, type JudgeJob, type JudgeMessage } from './protocol.js';
import type { Python } from './python.js';
import type { IsolationTier } from './verdict.js';

/** Thrown by pending requests when the worker's processes are gone. */
export class WorkerEnded extends Error {
  constructor(
    /** Which process ended by itself; null when the whole worker was killed or never came up. */
    readonly end: CompartmentEnd | null,
    /** The launcher's and the scripts' standard error, its last 4,000 characters. */
    readonly diagnostics: string,
  ) {
    super(end === null ? 'a sandbox worker was stopped' : `a sandbox ${end.compartment} ended by ${end.by} ${end.number}`);
  }
}

/** Thrown by a start when the launcher could not build the isolation, or could not start Python inside it. */
export class IsolationRefused extends FaultlineError {
  constructor(
    /** The launcher's own words, such as `cannot mount a tmpfs: Permission denied`. */
    readonly reason: string,
    cause: unknown,
  ) {
    super('environment', `the sandbox cannot be started: ${reason}`, { hint: isolationHint([reason]), cause });
  }
}

/** How long the start may take. Never met unless the machine hangs; a failed start is reported at once. */
const START_MILLISECONDS = 30_000;
const DIAGNOSTICS_MOST = 4000;
/** What a machine that is short of something answers, and a moment later may not: no word on the isolation. */
const PASSING = /: (Resource temporarily unavailable|Cannot allocate memory|Too many open files( in system)?)$/;

export class Worker {
  private readonly reader = new FrameReader();
  /** For an answer each, in the order in which they were asked for. */
  private readonly waiting: { resolve: (message: JudgeMessage) => void; reject: (error: Error) => void }[] = [];
  private diagnostics = '';
  private ended = false;
  /** Jobs answered by this worker. */
  jobs = 0;
  /** Such as `3.11.7`, known once started. */
  pythonVersion = '';
  /** Resolves when the launcher is gone, and with it everything it started. */
  readonly exit: Promise<void>;

  private constructor(private readonly launched: Launched) {
    this.exit = new Promise((resolve) => {
      launched.process.once('error', (error) => {
        this.diagnostics += `faultline-launcher: cannot start: ${error.message}\n`;
        this.end(resolve);
      });
      // `close`, not `exit`: by then the diagnostics are complete.
      launched.process.once('close', () => {
        this.end(resolve);
      });
    });
    launched.diagnostics.setEncoding('utf8');
    launched.diagnostics.on('data', (text: string) => {
      this.diagnostics = (this.diagnostics + text).slice(-DIAGNOSTICS_MOST);
    });
    launched.results.on('data', (chunk: Buffer) => {
      try {
        for (const message of this.reader.push(chunk)) this.take(message);
      } catch (error) {
        this.rejectAll(error as Error);
        this.kill();
      }
    });
  }

  /**
   * Starts a worker and waits until its judge and zygote are ready.
   * Throws IsolationRefused, with the launcher's reason, where it cannot be isolated, and another FaultlineError
   * (`environment`) where it ends for another reason before it is ready.
   */
  static async start(python: Python, tier: IsolationTier, scratchBytes: number, options: LaunchOptions = {}): Promise<Worker> {
    const worker = new Worker(launch(python, tier, scratchBytes, options));
    const timer = setTimeout(() => {
      worker.kill();
    }, START_MILLISECONDS);
    try {
      const message = await worker.next();
      if (!('ready' in message)) throw new FaultlineError('internal', 'a judge did not begin with its readiness');
      worker.pythonVersion = message.python;
      return worker;
    } catch (error) {
      worker.kill();
      await worker.exit;
      if (!(error instanceof WorkerEnded)) throw error;
      const refusal = parseRefusal(worker.diagnostics);
      if (refusal !== null && !PASSING.test(refusal)) throw new IsolationRefused(refusal, error);
      const reason = refusal ?? startFailure(worker.diagnostics);
      throw new FaultlineError('environment', `the sandbox cannot be started: ${reason}`, { hint: isolationHint([reason]), cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * One job, one answer. Throws WorkerEnded when the worker dies meanwhile. A job that comes while another is pending waits in the judge's pipe,
   * and begins as soon as that one is answered, whatever the answer says.
   */
  async judge(job: JudgeJob): Promise<JudgeAnswer> {
    const message = await this.request(encodeFrame(job));
    if (!('verdict' in message)) throw new FaultlineError('internal', 'a judge answered something else than a verdict');
    this.jobs++;
    return message;
  }

  /** CPU seconds of the reference loop. */
  async calibrate(): Promise<number> {
    const message = await this.request(encodeFrame({ calibrate: true }));
    if (!('calibration' in message)) throw new FaultlineError('internal', 'a judge answered something else than its calibration');
    return message.calibration;
  }

  /** Kills all processes of the worker. Returns at once; `exit` tells when they are gone. */
  kill(): void {
    this.launched.lifeline.destroy();
  }

  /**
   * Resolves when the worker is gone, to what it died of, after an answer that says that it is dying: the launcher has its own view of who ended
   * and how, and ends within seconds.
   */
  async death(): Promise<WorkerEnded> {
    await this.exit;
    return new WorkerEnded(parseEnd(this.diagnostics), this.diagnostics);
  }

  /** What the launcher had to say about the start, a note each. */
  get notes(): readonly string[] {
    return parseNotes(this.diagnostics);
  }

  get isEnded(): boolean {
    return this.ended;
  }

  private request(frame: Buffer): Promise<JudgeMessage> {
    const answer = this.next();
    this.launched.jobs.write(frame);
    return answer;
  }

  private next(): Promise<JudgeMessage> {
    if (this.ended) return Promise.reject(new WorkerEnded(parseEnd(this.diagnostics), this.diagnostics));
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
    });
  }

  private take(message: JudgeMessage): void {
    this.waiting.shift()?.resolve(message);
  }

  private rejectAll(error: Error): void {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  private end(resolve: () => void): void {
    this.ended = true;
    this.rejectAll(new WorkerEnded(parseEnd(this.diagnostics), this.diagnostics));
    resolve();
  }
}

/** The line that says most about a start that failed where the launcher itself has nothing to say: the last one. */
function startFailure(diagnostics: string): string {
  const lines = diagnostics
    .trim()
    .split('\n')
    .filter((line) => line !== '' && !/ ended: /.test(line));
  return lines.at(-1) ?? 'its processes ended without a word';
}
