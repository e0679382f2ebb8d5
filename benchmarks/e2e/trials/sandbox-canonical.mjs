/** One trial of ../sandbox-vs-human-eval.mjs: HumanEval's canonical solutions through the process executor, several times over. */
import { readHumanEval } from '../../lib/human-eval.mjs';
import { runTrial } from '../../lib/trial.mjs';
import { ProcessExecutor } from '../../../dist/sandbox/process-executor.js';

/** @typedef {{dataset: string, workers: number, times: number, python?: string}} CanonicalSettings */

runTrial(async (/** @type {CanonicalSettings} */ { dataset, workers, times, python }) => {
  const problems = readHumanEval(dataset);
  const executor = await ProcessExecutor.create({ workers, ...(python === undefined ? {} : { python }) });
  const jobs = Array.from({ length: times }, (_, sampleIndex) =>
    problems.map((problem) => ({
      taskId: problem.task_id,
      prompt: problem.prompt,
      completion: problem.canonical_solution,
      entryPoint: problem.entry_point,
      test: problem.test,
      seed: 1,
      sampleIndex,
    })),
  ).flat();
  const start = performance.now();
  const verdicts = await Promise.all(jobs.map((job) => executor.execute(job)));
  const seconds = (performance.now() - start) / 1000;
  const { tier, pythonVersion, pythonPath } = executor.info;
  await executor.dispose();
  return { seconds, executions: jobs.length, passed: verdicts.filter(({ passed }) => passed).length, tier, pythonVersion, pythonPath };
});
