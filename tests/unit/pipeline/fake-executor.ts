/** A sandbox whose verdicts the test decides, and that writes down what it was asked. Holds no test. */
import type { ExecutionJob, Executor } from '../../../src/sandbox/executor.js';
import type { Outcome, Verdict } from '../../../src/sandbox/verdict.js';
import { verdict } from '../sandbox/verdicts.js';

export interface FakeExecutor extends Executor {
  /** In the order in which they were asked for. */
  readonly jobs: ExecutionJob[];
  /** The most that ran at a time. */
  readonly most: () => number;
}

/** @param judge may throw, as an executor rejects; every job takes as many turns of the event loop as its completion has letters, modulo 5 */
export function fakeExecutor(judge: (job: ExecutionJob, count: number) => Verdict, workers = 2): FakeExecutor {
  const jobs: ExecutionJob[] = [];
  let running = 0;
  let most = 0;
  return {
    jobs,
    most: () => most,
    info: {
      tier: 'namespaces',
      tierReason: null,
      pythonVersion: '3.11.7',
      pythonPath: '',
      workers,
      limits: { cpuSeconds: 1, wallSeconds: 1, memoryBytes: 1, outputBytes: 1, fileBytes: 1, processes: 1 },
      calibration: 1,
    },
    async execute(job, signal) {
      jobs.push(job);
      const count = jobs.length;
      most = Math.max(most, ++running);
      try {
        for (let turn = 0; turn <= job.completion.length % 5; turn++) {
          await new Promise(setImmediate);
          signal?.throwIfAborted();
        }
        return judge(job, count);
      } finally {
        running--;
      }
    },
    dispose: () => Promise.resolve(),
  };
}

export function fakeVerdict(outcome: Outcome, cpuSeconds = 0.01): Verdict {
  return verdict(outcome, { cpuSeconds });
}

export function raising(type: string): Outcome {
  const exception = { type, bases: [type, 'Exception', 'BaseException'], message: 'm', frames: [], line: 2, column: null, node: 'other', statement: 'Return', locals: [] } as const; // prettier-ignore
  return { status: 'exception', phase: 'call', exception };
}
