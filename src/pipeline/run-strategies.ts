/**
 * The strategies of one config, compared: each is run as an experiment of its own, one after the other, into one database, and what came of them
 * is set side by side. What a run is stands in `run.ts`, and each of these is one: it skips what is done, so that the same command goes on after
 * any interruption. Prints nothing.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ConfigValues } from '../config/schema.js';
import { sameShard, WHOLE } from '../config/shard.js';
import type { Model } from '../decoding/model.js';
import { FaultlineError } from '../errors.js';
import { analysisJson } from '../reports/render/analysis-json.js';
import { differencesJson } from '../reports/render/differences-json.js';
import { strategyComparison, type StrategyComparison, type StrategyPair } from '../reports/strategy-comparison.js';
import { Store } from '../store/store.js';
import type { Experiment } from '../store/types.js';
import { analyzeBySettingInTurns, type SettingAnalysis } from './analyze.js';
import { differenceJson, diffStoredInTurns, type ComparedExperiments, type DifferenceDocument } from './diff.js';
import { describeEstimate, showBytes, type RunEstimate } from './estimate.js';
import { experimentName } from './experiment.js';
import { loadModel } from './generate.js';
import { databasePath } from './inputs.js';
import { keepFiles } from './keep-files.js';
import { Progress, showDuration } from './progress.js';
import { nameWithHash, prepareOutputs } from './report.js';
import { estimateExperiment, runExperiment, type RunOptions, type RunResult } from './run.js';
import { STAGES } from './stages/index.js';
import { strategyExperiments, type Strategies, type StrategyExperiment } from './strategies.js';
import { pauses } from './turns.js';
import { describeShards, extentOf } from './work-shards.js';

export interface StrategiesResult {
  /** The name that the names of the experiments begin with, and of the comparison's folder. */
  readonly experiment: string;
  readonly database: string;
  /** In the config's order. */
  readonly strategies: readonly (RunResult & { readonly strategy: string })[];
  /** What all of it was estimated to take; null where little was left to do. */
  readonly estimate: StrategiesEstimate | null;
  /** Null where the report was not among the stages, and where the database is to hold a part of an experiment alone. */
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
 * Runs every strategy of a config, and compares them where the report is among the stages and all are whole.
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
  const estimate = await estimateAll(experiments, shared, false);
  const parts = estimate?.strategies ?? null;
  // A shard alone is not compared, so that its folder would stay empty.
  if (compares && (values.shard === null || sameShard(values.shard, WHOLE))) await prepareComparison(values, comparisonFolder(values));
  if (estimate !== null) for (const line of describeStrategies(estimate)) progress.note(line);

  const strategies: StrategiesResult['strategies'][number][] = [];
  for (const [index, { strategy, config }] of experiments.entries()) {
    progress.note(`strategy ${strategy}, ${index + 1} of ${experiments.length}: ${config.values.experiment}`);
    const estimated = parts?.[index]?.estimate ?? null;
    strategies.push({ strategy, ...(await named(config.values, () => runExperiment(config, { ...shared, estimated }))) });
  }
  const comparison = compares && areWhole(values, strategies, progress) ? await compare(values, strategies, { signal, progress }) : null;
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

/** Where the comparison of a config's strategies goes: below the folder that an experiment of the shared name would have, beside its report. */
function comparisonFolder(values: ConfigValues, name = COMPARISON): string {
  return join(values['outputs.directory'], experimentName(values), name);
}

const COMPARISON = 'comparison';

/**
 * The same once the experiments are known, by the rule of `outputFolder`: `comparison` where all of them are the newest of their names, and
 * `comparison@<beginning of a hash over theirs>` otherwise, as for an older config of the same names that is run again.
 */
function folderOfCompared(values: ConfigValues, store: Store, experiments: readonly Experiment[]): string {
  const stored = store.experiments();
  const isNewest = ({ name, hash }: Experiment): boolean => stored.findLast((each) => each.name === name)?.hash === hash;
  if (experiments.every(isNewest)) return comparisonFolder(values);
  const hash = createHash('sha256').update(JSON.stringify(experiments.map((each) => each.hash)));
  return comparisonFolder(values, nameWithHash({ name: COMPARISON, hash: hash.digest('hex') }));
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

/** Whether the database is to hold all problems of each; says which it does not. A part's numbers would look like those of the whole. */
function areWhole(values: ConfigValues, strategies: StrategiesResult['strategies'], progress: Progress): boolean {
  using store = Store.open(databasePath(values), { readonly: true });
  const partial = strategies.find(({ experiment }) => {
    const extent = extentOf(store, experiment);
    return extent !== null && extent.held < extent.whole;
  });
  if (partial === undefined) return true;
  progress.note(
    `no comparison: the database holds ${describeShards(partial.shards)} of ${partial.experiment.name}; join all shards with \`faultline merge\`, and run the report on what it makes`,
  );
  return false;
}

/** Sets what is stored side by side, and writes it into the comparison's folder. */
async function compare(
  values: ConfigValues,
  strategies: StrategiesResult['strategies'],
  { signal, progress }: Pick<RunOptions, 'signal' | 'progress'>,
): Promise<ComparedStrategies> {
  const experiments = strategies.map(({ experiment }) => experiment);
  const analysis = await analyzeBySettingInTurns(values, experiments.map(({ hash }) => hash), signal, progress); // prettier-ignore
  const [first, ...others] = experiments;
  const compared: ComparedExperiments[] = [];
  for (const other of others) compared.push(await diffStoredInTurns(values, [first!.hash, other.hash], signal, progress));
  const pairs = compared.map(({ second, difference }): StrategyPair => ({ experiment: second.name, difference }));
  const comparison = strategyComparison(analysis.bySetting, first!.name, pairs);
  const documents = compared.map(differenceJson);
  using store = Store.open(databasePath(values), { readonly: true });
  const directory = folderOfCompared(values, store, experiments);
  await prepareComparison(values, directory);
  const { writeComparison } = await import('../reports/write-comparison.js');
  const files = await writeComparison(directory, { name: experimentName(values), analysis, comparison, pairs: documents }, pauses(signal));
  return { analysis, strategies: comparison, pairs: documents, directory, files };
}

/** An error about one of several experiments says which; one about a line of the config stays as it is. */
async function named<T>({ experiment }: ConfigValues, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof FaultlineError) || thrown.place.line !== undefined) throw thrown;
    throw thrown.restated(`${experiment}: ${thrown.message}`);
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
