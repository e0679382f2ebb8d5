/** One trial of ../sandbox-rate.mjs: trivial programs through the process executor, as many at a time as workers. */
import { runTrial } from '../../lib/trial.mjs';
import { ProcessExecutor } from '../../../dist/sandbox/process-executor.js';

/** @typedef {{executions: number, workers: number, python?: string, unsafe: boolean}} SandboxSettings */

runTrial(async (/** @type {SandboxSettings} */ { executions, workers, python, unsafe }) => {
  const beforeStart = performance.now();
  const executor = await ProcessExecutor.create({ workers, unsafe, ...(python === undefined ? {} : { python }) });
  const startSeconds = (performance.now() - beforeStart) / 1000;

  const judge = (/** @type {number} */ index) =>
    executor.execute({
      taskId: `Trivial/${index % 100}`,
      prompt: 'def add(a, b):\n    """The sum of a and b."""\n',
      completion: `    return a + b  # ${index}\n`,
      entryPoint: 'add',
      test: 'def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n',
      seed: 1,
      sampleIndex: index,
    });
  const start = performance.now();
  const verdicts = await Promise.all(Array.from({ length: executions }, (_, index) => judge(index)));
  const seconds = (performance.now() - start) / 1000;

  const { tier, pythonVersion, pythonPath } = executor.info;
  await executor.dispose();
  return { seconds, startSeconds, passed: verdicts.filter(({ passed }) => passed).length, tier, python: pythonVersion, pythonPath };
});
