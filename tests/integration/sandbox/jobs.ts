/** The simplest jobs: a function of one argument that must add one. Holds no test. */
import type { ExecutionJob } from '../../../src/sandbox/executor.js';

/** A function's body, indented, as a job. */
export function job(body: string, sampleIndex = 0): ExecutionJob {
  return {
    taskId: 'Jobs/0',
    prompt: 'def f(x):\n',
    entryPoint: 'f',
    test: 'assert f(1) == 2\n',
    completion: body,
    seed: 0,
    sampleIndex,
  };
}

export const RIGHT = '    return x + 1\n';
export const SLEEPS = '    import time\n    time.sleep(1000)\n';
