/**
 * Short measurements on what a run has opened, before it begins: a few tokens of a few samples, a few reference solutions in the sandbox.
 * Nothing of it is stored. The arithmetic is `estimate.ts`'s; the later stages' measurements are `calibration-texts.ts` and `calibration-report.ts`.
 */
import type { Problem } from '../datasets/problem.js';
import type { Model } from '../decoding/model.js';
import { preparePrompt } from '../decoding/prompt-boundary.js';
import { plural, whole } from '../reports/render/format.js';
import type { ProcessExecutor } from '../sandbox/process-executor.js';
import type { Store } from '../store/store.js';
import type { ReferenceProgram } from './ahead.js';
import { strategyOf } from './draws.js';
import {
  drawRate,
  drawSeconds,
  sampleBytes,
  showBytes,
  showRate,
  verdictBytes,
  type DrawMeasurement,
  type StageEstimate,
} from './estimate.js';
import { executeAll, type Executable, type ExecuteOptions } from './execute.js';
import { checkGeneration, samplesOf } from './generate.js';
import type { Workbench } from './workbench.js';

/** Work below this is done sooner than anybody reads an estimate of it: some seconds of GPT-2 on two cores. */
const LITTLE_TOKENS = 10_000;
const LITTLE_EXECUTIONS = 500;

/** Samples drawn at a time to measure: enough to make a matrix product of each step, and half a default batch. */
const ROWS = 64;
const SHORT_TOKENS = 1;
const LONG_TOKENS = 9;

/** Stored samples whose lengths are looked at. */
const LENGTHS_MOST = 1_000;
/** As in English; three in the bundled run. */
const CHARACTERS_PER_TOKEN = 4;

export interface DrawingEstimate extends StageEstimate {
  /** That each sample is taken to have. */
  readonly tokens: number;
}

/** What is to be drawn, and by what. */
export type Drawing = Pick<Workbench, 'values' | 'tasks' | 'signal' | 'loadModel'>;

interface PromptLength {
  readonly problem: Problem;
  readonly tokens: number;
}

/** The prompts of what is to be drawn, the shortest first. */
function promptLengths({ values, tasks }: Pick<Drawing, 'values' | 'tasks'>, model: Model): PromptLength[] {
  return tasks
    .map(({ problem }) => ({ problem, tokens: preparePrompt(problem.prompt, model.tokenizer, values.prompt_boundary).tokens.length }))
    .sort((a, b) => a.tokens - b.tokens);
}

/** The most tokens that a sample can have, of `max_new_tokens` and of what the context leaves behind the shortest prompt. */
export function mostTokens(drawing: Pick<Drawing, 'values' | 'tasks'>, model: Model, lengths = promptLengths(drawing, model)): number {
  const room = model.info.context - (lengths[0]?.tokens ?? 0);
  return Math.min(drawing.values.max_new_tokens, Math.max(0, room));
}

/**
 * What is left to draw; measured on the loaded model. Null where that is little, or no prompt leaves room.
 * @param mean tokens of a sample, as far as there are any; null where all are taken to be as long as they may be
 */
export async function generationEstimate(drawing: Drawing, asked: boolean, mean: number | null): Promise<DrawingEstimate | null> {
  const { values, tasks, signal } = drawing;
  const samples = samplesOf(tasks);
  if (samples === 0) return null;
  // Those who generate have it loaded by now.
  const model = await drawing.loadModel();
  const all = promptLengths(drawing, model);
  const most = mostTokens(drawing, model, all);
  if (!asked && samples * most < LITTLE_TOKENS) return null;
  const lengths = all.filter(({ tokens }) => tokens + LONG_TOKENS < model.info.context);
  if (lengths.length === 0) return null;

  // Prompts of middling length, as many as it takes to fill the rows.
  const perPrompt = Math.min(values.samples, ROWS);
  const count = Math.min(lengths.length, Math.ceil(ROWS / perPrompt));
  const first = Math.floor((lengths.length - count) / 2);
  const problems = lengths.slice(first, first + count).map(({ problem }) => problem);
  const measured = await measureDrawing(model, problems, perPrompt, values, signal);
  const rate = drawRate(measured);
  const tokens = mean ?? most;
  // The loaded model's own plan: one from files would look for room for the weights a second time.
  const plan = await checkGeneration(model, values, tasks, signal);
  if (plan === null) return null;
  const { weightBytes, plannedBytes } = plan;
  return {
    seconds: drawSeconds({ prompts: tasks.length, samples, tokens }, rate),
    atMost: mean === null,
    onCpu: model.info.device !== 'cuda',
    basis: `${plural(samples, 'sample')} of ${mean === null ? `up to ${whole(tokens)}` : `about ${whole(tokens)}`} tokens, ${showRate(1 / rate.secondsPerToken)} measured`,
    memoryBytes: weightBytes + plannedBytes,
    memoryOf: `weights ${showBytes(weightBytes)}, keys, values and activations ${showBytes(plannedBytes)}`,
    diskBytes: sampleBytes(samples, tokens),
    tokens,
  };
}

/** Draws a few tokens of `perPrompt` samples of each problem, twice; once more before, so that the weights are in memory. */
async function measureDrawing(
  model: Model,
  problems: readonly Problem[],
  perPrompt: number,
  values: Workbench['values'],
  signal: AbortSignal,
): Promise<DrawMeasurement> {
  const draw = async (maxNewTokens: number): Promise<{ tokens: number; seconds: number }> => {
    const start = performance.now();
    let tokens = 0;
    const options = {
      problems,
      samples: perPrompt,
      seed: values.seed,
      sampling: strategyOf(values).sampling,
      maxNewTokens,
      promptBoundary: values.prompt_boundary,
      stopPolicy: 'none',
      ...(values['model.batch'] === null ? {} : { batch: values['model.batch'] }),
      signal,
    } as const;
    for await (const sample of model.generate(options)) tokens += sample.tokens.length;
    return { tokens, seconds: (performance.now() - start) / 1000 };
  };
  await draw(SHORT_TOKENS);
  return { prompts: problems.length, short: await draw(SHORT_TOKENS), long: await draw(LONG_TOKENS) };
}

/** Mean length of the samples that the experiment has; null without any. */
export function meanTokens({ store, experiment }: Pick<Workbench, 'store' | 'experiment'>): number | null {
  return experiment === null ? null : meanTokensOf(store, experiment.id);
}

/** The same of a stored experiment. Where samples came without tokens, their characters stand for them. */
export function meanTokensOf(store: Store, experimentId: number): number | null {
  let [tokens, samples] = [0, 0];
  for (const { tokenCount, completion } of store.samples(experimentId)) {
    tokens += tokenCount === 0 ? completion.length / CHARACTERS_PER_TOKEN : tokenCount;
    if (++samples === LENGTHS_MOST) break;
  }
  return samples === 0 ? null : tokens / samples;
}

/**
 * What executing `left` samples takes, measured on reference solutions of `problems` in the sandbox that was started. Null where they are few, and
 * where `asked` is true only if there are none. Reference solutions pass, and what passes is run again; a sample that meets its time limit takes longer.
 */
export async function executionEstimate(
  { left, problems }: { readonly left: number; readonly problems: readonly ReferenceProgram[] },
  asked: boolean,
  options: Omit<ExecuteOptions<Executable>, 'known' | 'tokensOf'> & { readonly executor: ProcessExecutor },
): Promise<StageEstimate | null> {
  if (left === 0 || (!asked && left < LITTLE_EXECUTIONS)) return null;
  const { workers, limits } = options.executor.info;
  const programs = problems.slice(0, 4 * workers).map(referenceOf);
  const run = async (some: readonly Executable[]): Promise<number> => {
    const start = performance.now();
    await executeAll(some, options, () => undefined);
    return (performance.now() - start) / 1000;
  };
  // Workers for further hash seeds start with the first program that needs them.
  await run(programs.slice(0, workers));
  const perSecond = programs.length / (await run(programs));
  const memory = workers * limits.memoryBytes;
  return {
    seconds: left / perSecond,
    atMost: false,
    onCpu: true,
    basis: `${plural(left, 'program')}, ${showRate(perSecond)} measured on reference solutions; equal programs run once`,
    memoryBytes: memory,
    memoryOf: `the limit of ${plural(workers, 'program')} at a time`,
    diskBytes: verdictBytes(left),
  };
}

function referenceOf(problem: ReferenceProgram): Executable {
  const { taskId, prompt, entryPoint, canonicalSolution, test, furtherTest = null, unsupported = null } = problem;
  return {
    ...{ taskId, prompt, entryPoint, canonicalSolution, test, furtherTest, unsupported },
    ...{ completion: canonicalSolution, sampleIndex: 0, finishReason: '', error: null },
  };
}
