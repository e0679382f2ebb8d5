/** The generation stage: problems to samples, through the model that a config names. Stores nothing. */
import type { Config } from '../config/load.js';
import type { ConfigValues } from '../config/schema.js';
import type { Problem } from '../datasets/problem.js';
import { Model, type GenerateOptions, type Sample } from '../decoding/model.js';
import { NOT_FINITE, type RunPlan } from '../engine/types.js';
import { FaultlineError } from '../errors.js';
import type { SampleRow } from '../store/types.js';
import { engineOptionsOf } from './device.js';
import { isGreedy, strategyOf } from './draws.js';
import { modelFolderOf } from './inputs.js';
import type { Progress } from './progress.js';

/** Which samples of a problem are to be made. */
export interface GenerationTask {
  readonly problem: Problem;
  readonly sampleIndices: readonly number[];
}

/** How many samples tasks ask for. */
export function samplesOf(tasks: readonly GenerationTask[]): number {
  return tasks.reduce((count, { sampleIndices }) => count + sampleIndices.length, 0);
}

/** Loads the model of a config. The caller disposes it. */
export async function loadModel(config: Config): Promise<Model> {
  return Model.load(await modelFolderOf(config), engineOptionsOf(config.values));
}

/** Says where samples are going to be copies: they are drawn as asked for, and tell no more than one. */
export function noteCopies(values: ConfigValues, progress: Progress): void {
  if (values.samples === 1 || !isGreedy(values)) return;
  progress.note(`greedy decoding draws one text of a problem: its ${values.samples} samples are equal, and --samples 1 says as much`);
}

/**
 * Samples in the order in which they finish. A sample that cannot be made carries its error; the others go on.
 * Throws `input` for one whose numbers are not finite, once those that finished before it are out: no sample of such a model means anything,
 * and as failures of the model's programs they would be counted.
 */
export async function* generateSamples(
  model: Model,
  values: ConfigValues,
  tasks: readonly GenerationTask[],
  signal: AbortSignal,
): AsyncGenerator<SampleRow, void, undefined> {
  if (tasks.length === 0) return;
  const { strategy } = strategyOf(values);
  for await (const sample of model.generate(optionsOf(values, tasks, signal))) {
    refuseNotFinite(sample);
    yield present(sample, strategy.name);
  }
}

/**
 * What `generateSamples` would take of memory; null where there is nothing to draw. Rejects with what it would reject with before it draws
 * anything: a batch that does not fit, for instance.
 */
export async function checkGeneration(
  model: Model,
  values: ConfigValues,
  tasks: readonly GenerationTask[],
  signal: AbortSignal,
): Promise<RunPlan | null> {
  return tasks.length === 0 ? null : model.check(optionsOf(values, tasks, signal));
}

function optionsOf(values: ConfigValues, tasks: readonly GenerationTask[], signal: AbortSignal): GenerateOptions {
  const indices = new Map(tasks.map(({ problem, sampleIndices }) => [problem.taskId, sampleIndices]));
  const batch = values['model.batch'];
  return {
    problems: tasks.map(({ problem }) => problem),
    samples: (taskId) => indices.get(taskId)!,
    seed: values.seed,
    sampling: strategyOf(values).sampling,
    maxNewTokens: values.max_new_tokens,
    promptBoundary: values.prompt_boundary,
    stopPolicy: values.stop_policy,
    stopStrings: values.stop_strings,
    ...(batch === null ? {} : { batch }),
    signal,
  };
}

function refuseNotFinite({ taskId, sampleIndex, error, logprobs, entropies }: Sample): void {
  if (error !== NOT_FINITE && logprobs.every(Number.isFinite) && entropies.every(Number.isFinite)) return;
  const what = error === NOT_FINITE ? NOT_FINITE : 'the model gave a log-probability or an entropy that is not finite';
  throw new FaultlineError('input', `sample ${sampleIndex} of ${taskId}: ${what}`, {
    hint: "Fetch or convert the model's files again, or try another --dtype or --device; samples that were finished are kept, and the same command goes on.",
  });
}

function present(sample: Sample, strategy: string): SampleRow {
  const { taskId, sampleIndex, completion, rawText, cut, finishReason, tokens, logprobs, entropies, seed, error } = sample;
  return { strategy, taskId, sampleIndex, completion, rawText, cut, finishReason, tokens, logprobs, entropies, seed, error };
}
