/**
 * The strategies of one config, compared: each is run as an experiment of its own, one after the other, into one database, and what came of them
 * is set side by side. What a run is stands in `run.ts`, and each of these is one: it skips what is done, so that the same command goes on after
 * any interruption. Prints nothing.
 */
import { join } from 'node:path';
import type { ConfigValues } from '../config/schema.js';
import type { Model } from '../decoding/model.js';
import { FaultlineError } from '../errors.js';
import { analysisJson } from '../reports/render/analysis-json.js';
import { differencesJson } from '../reports/render/differences-json.js';
import { strategyComparison, type StrategyComparison, type StrategyPair } from '../reports/strategy-comparison.js';
import { analyzeBySettingInTurns, type SettingAnalysis } from './analyze.js';
import { differenceJson, diffStored, type DifferenceDocument } from './diff.js';
import { describeEstimate, showBytes, type RunEstimate } from './estimate.js';
import { experimentName } from './experiment.js';
import { loadModel } from './generate.js';
import { databasePath } from './inputs.js';
import { keepFiles } from './keep-files.js';
import { Progress, showDuration } from './progress.js';
import { prepareOutputs } from './report.js';
import { estimateExperiment, runExperiment, type RunOptions, type RunResult } from './run.js';
import { STAGES } from './stages/index.js';
import { strategyExperiments, type Strategies, type StrategyExperiment } from './strategies.js';
import { inTurns } from './turns.js';

export interface StrategiesResult {
  /** The name that the names of the experiments begin with, and of the comparison's folder. */
  readonly experiment: string;
  readonly database: string;
  /** In the config's order. */
  readonly strategies: readonly (RunResult & { readonly strategy: string })[];
  /** What all of it was estimated to take; null where little was left to do. */
  readonly estimate: StrategiesEstimate | null;
  /** Null where the report was not among the stages. */
  readonly comparison: ComparedStrategies | null;
}

export interface ComparedStrategies {
  /** What `faultline analyze` says of the experiments, in the config's order. */
  readonly analysis: SettingAnalysis;
  readonly strategies: StrategyComparison;
  /** What `faultline diff` says of the first and each of the others. */
  readonly pairs: readonly DifferenceDocument[];
  readonly directory: string;
  readonly files: readonly string[];
}

export interface StrategiesEstimate extends Pick<RunEstimate, 'seconds' | 'memoryBytes' | 'diskBytes' | 'freeDiskBytes'> {
  /** Null for one that little is left of. */
  readonly strategies: readonly { readonly strategy: string; readonly estimate: RunEstimate | null }[];
}

/**
 * Runs every strategy of a config, and compares them where the report is among the stages.
 * @throws FaultlineError as {@link runExperiment}, with the experiment's name; before any of them starts where the config or the machine cannot do
 *   one of them
 */
export async function runStrategies(study: Strategies, options: RunOptions): Promise<StrategiesResult> {
  const { stages = STAGES, signal, progress } = options;
  const experiments = strategyExperiments(study);
  const { values } = study.config;
  const experiment = experimentName(values);
  await using model = new SharedModel(study);
  const shared = { ...options, sharedModel: () => model.get() };
  const compares = stages.some(({ name }) => name === 'report');
  const directory = join(values['outputs.directory'], experiment);
  const estimate = await estimateAll(experiments, shared, false);
  if (compares) await prepareComparison(values, directory);
  if (estimate !== null) for (const line of describeStrategies(estimate)) progress.note(line);

  const strategies: StrategiesResult['strategies'][number][] = [];
  for (const [index, { strategy, config }] of experiments.entries()) {
    progress.note(`strategy ${strategy}, ${index + 1} of ${experiments.length}: ${config.values.experiment}`);
    strategies.push({ strategy, ...(await named(config.values, () => runExperiment(config, shared))) });
  }
  const comparison = compares ? await compare(values, directory, strategies, { signal, progress }) : null;
  return { experiment, database: databasePath(values), strategies, estimate, comparison };
}

/** What all strategies would take, as {@link estimateExperiment} has it of one; null where nothing is left of any. */
export async function estimateStrategies(study: Strategies, options: RunOptions): Promise<StrategiesEstimate | null> {
  await using model = new SharedModel(study);
  return await estimateAll(strategyExperiments(study), { ...options, sharedModel: () => model.get() }, true);
}

/** The lines that people read: all strategies, then each. */
export function describeStrategies({ strategies, ...whole }: StrategiesEstimate): string[] {
  const parts = strategies.flatMap(({ strategy, estimate }) => (estimate === null ? [] : [{ strategy, ...estimate }]));
  return describeEstimate({
    ...whole,
    stages: parts.map(({ strategy, stages, ...part }) => ({
      ...part,
      stage: strategy,
      atMost: stages.some(({ atMost }) => atMost),
      onCpu: stages.some(({ onCpu }) => onCpu),
      basis: stages.map(({ stage, seconds }) => `${stage} ${showDuration(seconds)}`).join(', '),
      memoryOf: stages.map(({ stage, memoryBytes }) => `${stage} ${showBytes(memoryBytes)}`).join(', '),
    })),
  });
}

export const STRATEGIES_SCHEMA = 'faultline.strategies';
/** Grows when a field changes its meaning or goes, not when one is added. */
export const STRATEGIES_VERSION = 1;

/**
 * What `faultline run --json` prints of a config with strategies; `docs/strategies.schema.json` describes it.
 * @param runJson what it prints of a run, without the report
 */
export function strategiesJson(
  { experiment, database, strategies, estimate, comparison }: StrategiesResult,
  runJson: (result: RunResult) => Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return {
    schema: STRATEGIES_SCHEMA,
    version: STRATEGIES_VERSION,
    experiment,
    database,
    directory: comparison?.directory ?? null,
    files: comparison?.files ?? [],
    strategies: strategies.map((result) => ({ strategy: result.strategy, ...runJson(result) })),
    estimate,
    comparison: comparison === null ? null : analysisJson(comparison.analysis),
    differences: comparison === null ? null : differencesJson(comparison.strategies, comparison.pairs),
  };
}

/** Looks at each strategy as a run of it would before it begins, so that one that cannot work is told of before the first has taken hours. */
async function estimateAll(
  experiments: readonly StrategyExperiment[],
  options: RunOptions,
  asked: boolean,
): Promise<StrategiesEstimate | null> {
  // Each run notes its own isolation and what it continues.
  const quiet = { ...options, progress: new Progress({ write: () => true }), asked };
  const strategies: StrategiesEstimate['strategies'][number][] = [];
  for (const { strategy, config } of experiments) {
    options.signal.throwIfAborted();
    strategies.push({ strategy, estimate: await named(config.values, () => estimateExperiment(config, quiet)) });
  }
  const parts = strategies.flatMap(({ estimate }) => estimate ?? []);
  if (parts.length === 0) return null;
  return {
    seconds: parts.reduce((total, { seconds }) => total + seconds, 0),
    // One after the other.
    memoryBytes: Math.max(...parts.map(({ memoryBytes }) => memoryBytes)),
    diskBytes: parts.reduce((total, { diskBytes }) => total + diskBytes, 0),
    freeDiskBytes: parts[0]!.freeDiskBytes,
    strategies,
  };
}

/** Throws for what could not be written after hours: a folder that is none, or the database where a file of the comparison would be. */
async function prepareComparison(values: ConfigValues, directory: string): Promise<void> {
  const { COMPARISON_FILES } = await import('../reports/write-comparison.js');
  for (const name of COMPARISON_FILES) {
    keepFiles(join(directory, name), {
      database: databasePath(values),
      hint: 'Choose another folder with --outputs, or give the database another name.',
    });
  }
  await prepareOutputs(directory);
}

/** Sets what is stored side by side, and writes it below `directory`. */
async function compare(
  values: ConfigValues,
  directory: string,
  strategies: StrategiesResult['strategies'],
  { signal, progress }: Pick<RunOptions, 'signal' | 'progress'>,
): Promise<ComparedStrategies> {
  const experiments = strategies.map(({ experiment }) => experiment);
  const analysis = await analyzeBySettingInTurns(values, experiments.map(({ hash }) => hash), signal, progress); // prettier-ignore
  const [first, ...others] = experiments;
  const compared = await inTurns(
    (function* () {
      const all = [];
      for (const other of others) {
        all.push(diffStored(values, [first!.hash, other.hash], undefined, progress));
        yield;
      }
      return all;
    })(),
    signal,
  );
  const pairs = compared.map(({ second, difference }): StrategyPair => ({ experiment: second.name, difference }));
  const comparison = strategyComparison(analysis.bySetting, first!.name, pairs);
  const documents = compared.map(differenceJson);
  const { writeComparison } = await import('../reports/write-comparison.js');
  const files = await writeComparison(directory, { analysis, comparison, pairs: documents });
  return { analysis, strategies: comparison, pairs: documents, directory, files };
}

/** An error about one of several experiments says which; one about a line of the config stays as it is. */
async function named<T>({ experiment }: ConfigValues, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof FaultlineError) || thrown.place.line !== undefined) throw thrown;
    throw new FaultlineError(thrown.kind, `${experiment}: ${thrown.message}`, {
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
      cause: thrown,
    });
  }
}

/** The model of all strategies, which is loaded once, when it is first asked for. */
class SharedModel implements AsyncDisposable {
  readonly #study: Strategies;
  #model: Model | null = null;

  constructor(study: Strategies) {
    this.#study = study;
  }

  async get(): Promise<Model> {
    this.#model ??= await loadModel(this.#study.config);
    return this.#model;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model?.dispose();
  }
}
