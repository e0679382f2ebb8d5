/** The generation stage: problems to samples, through the model that a config names. Stores nothing. */
import type { Config } from '../config/load.js';
import type { ConfigValues } from '../config/schema.js';
import type { Problem } from '../datasets/problem.js';
import { Model, type Sample } from '../decoding/model.js';
import { resolveStrategy } from '../decoding/strategy.js';
import type { SampleRow } from '../store/types.js';
import type { Executable } from './execute.js';
import { engineOptionsOf } from './device.js';
import { modelFolderOf } from './inputs.js';

/** Which samples of a problem are to be made. */
export interface GenerationTask {
  readonly problem: Problem;
  readonly sampleIndices: readonly number[];
}

/** A finished sample as the store takes it, and as the sandbox does. */
export interface GeneratedSample {
  readonly row: SampleRow;
  readonly executable: Executable & { readonly strategy: string };
}

/** Loads the model of a config. The caller disposes it. */
export async function loadModel(config: Config): Promise<Model> {
  return Model.load(await modelFolderOf(config), engineOptionsOf(config.values));
}

/** The strategy that a config's parameters describe; its name is the store's. Temperature 0 is greedy, whatever it was called. */
export function strategyOf(values: ConfigValues): ReturnType<typeof resolveStrategy> {
  const name = values['strategy.name'];
  if (name === 'greedy') return resolveStrategy({}, name);
  return resolveStrategy(
    { temperature: values['strategy.temperature'], topK: values['strategy.top_k'], topP: values['strategy.top_p'] },
    name,
  );
}

/** Samples in the order in which they finish. A sample that cannot be made carries its error; the others go on. */
export async function* generateSamples(
  model: Model,
  values: ConfigValues,
  tasks: readonly GenerationTask[],
  signal: AbortSignal,
): AsyncGenerator<GeneratedSample, void, undefined> {
  if (tasks.length === 0) return;
  const problems = new Map(tasks.map(({ problem }) => [problem.taskId, problem]));
  const indices = new Map(tasks.map(({ problem, sampleIndices }) => [problem.taskId, sampleIndices]));
  const batch = values['model.batch'];
  const { strategy, sampling } = strategyOf(values);
  const samples = model.generate({
    problems: tasks.map(({ problem }) => problem),
    samples: (taskId) => indices.get(taskId)!,
    seed: values.seed,
    sampling,
    maxNewTokens: values.max_new_tokens,
    promptBoundary: values.prompt_boundary,
    stopPolicy: values.stop_policy,
    stopStrings: values.stop_strings,
    ...(batch === null ? {} : { batch }),
    signal,
  });
  for await (const sample of samples) yield present(sample, problems.get(sample.taskId)!, strategy.name);
}

function present(sample: Sample, problem: Problem, strategy: string): GeneratedSample {
  const { taskId, sampleIndex, completion, rawText, cut, finishReason, tokens, logprobs, entropies, error } = sample;
  const { prompt, entryPoint, test } = problem;
  return {
    row: {
      strategy,
      taskId,
      sampleIndex,
      completion,
      rawText,
      cut,
      finishReason,
      tokens,
      logprobs,
      entropies,
      seed: sample.seed,
      error,
    },
    executable: { strategy, taskId, sampleIndex, prompt, entryPoint, test, completion, finishReason, error },
  };
}
