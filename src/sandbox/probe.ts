/** Tells a machine on which nothing runs from a sample that kills its workers: by a program that is known to be right. */
import { FaultlineError } from '../errors.js';
import type { ExecutionJob, Limits } from './executor.js';
import { hungMilliseconds } from './limits.js';
import { judgeJob } from './protocol.js';
import type { Worker } from './worker.js';

const PROBE: ExecutionJob = {
  taskId: 'probe',
  prompt: 'def f(x):\n',
  entryPoint: 'f',
  test: 'assert f(1) == 2\n',
  completion: '    return x + 1\n',
  seed: 0,
  sampleIndex: 0,
};

/** Throws a FaultlineError (`infrastructure`) where the worker cannot do the simplest job, and WorkerEnded where it dies of it or hangs. */
export async function probe(worker: Worker, limits: Limits): Promise<void> {
  const hung = setTimeout(() => {
    worker.kill();
  }, hungMilliseconds(limits));
  try {
    const { verdict } = await worker.judge(judgeJob(PROBE, limits));
    if (!verdict.passed)
      throw new FaultlineError('infrastructure', `a program known to be right came to "${verdict.outcome.status}" in the sandbox`);
  } finally {
    clearTimeout(hung);
  }
}
