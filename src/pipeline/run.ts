/**
 * The main job: generate -> execute -> classify -> report, one stage after another in meaning, the first two at the same
 * time in practice. Every stage skips what the store has, so that the same command continues after any interruption and
 * ends in the same results. Prints nothing: progress goes to what it is handed.
 */
import type { Config } from '../config/load.js';
import { heldBy, sameShard, WHOLE, type Shard } from '../config/shard.js';
import type { Problem } from '../datasets/problem.js';
import type { Model } from '../decoding/model.js';
import type { ReportData } from '../reports/report-data.js';
import { Store } from '../store/store.js';
import type { Experiment, SampleKey } from '../store/types.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { tokenSpan } from '../taxonomy/token-span.js';
import { createCategoryView } from './category-view.js';
import { classifyStored } from './classify.js';
import { describeDevice, noteDevice } from './device.js';
import type { TokensOf } from './execute.js';
import { checkResumable, createManifest, type Provenance } from './experiment.js';
import { checkGeneration, generateSamples, loadModel, strategyOf, type GenerationTask } from './generate.js';
import { version } from './bundled.js';
import { databasePath, problemsOf } from './inputs.js';
import type { Progress } from './progress.js';
import { chooseExperiment, outputFolder, prepareOutputs, summariseExperiment, writeOutputs } from './report.js';
import { openSandbox } from './sandbox.js';
import { runStages } from './stages.js';
import { gatherUnjudged, type Unjudged } from './unjudged.js';
import { describeShards, isComplete, shardsToRun } from './work-shards.js';

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface RunResult {
  readonly experiment: Experiment;
  readonly report: ReportData;
  readonly database: string;
  /** The folder of the report and the exported samples. */
  readonly directory: string;
  readonly files: readonly string[];
  /** The parts of the experiment's work that the database is to hold. */
  readonly shards: readonly Shard[];
  /** How much of it this run did; the rest was there. */
  readonly generated: number;
  readonly executed: number;
  /** Samples that could not be judged because their problem's test is at fault: stored, and in no rate. */
  readonly unjudged: readonly Unjudged[];
  /** Samples of problems that cannot be judged: stored, not executed, and in no rate. */
  readonly unsupported: readonly Unjudged[];
}

/**
 * Runs the experiment of a config to its end, or from where it was.
 * @throws FaultlineError: `interrupted` when aborted, `infrastructure` when the sandbox failed three times in a row,
 *   and whatever the config's files, the machine and the outputs give cause to; finished samples are kept in every case
 */
export async function runExperiment(config: Config, { signal, progress }: RunOptions): Promise<RunResult> {
  const { values } = config;
  const view = createCategoryView(values, CATEGORIES, config.origins);
  const problemSet = await problemsOf(config);
  await using model = await loadModel(config);
  const database = databasePath(values);
  using store = Store.open(database);
  signal.throwIfAborted();

  const known: Provenance = {
    modelHash: model.info.modelHash,
    tokenizerHash: model.tokenizer.hash,
    problemsHash: problemSet.hash,
    device: model.info.device,
    deviceName: model.info.deviceName,
    kernelFamily: model.info.kernelFamily,
    isa: model.info.isa,
    cpu: model.info.cpu,
    pythonVersion: '',
    isolationTier: '',
    calibration: 1,
    version: version(),
  };
  // The hash leaves the sandbox out: an experiment that is there already is found before the sandbox is started, lends it
  // its calibration, and when it is complete needs none.
  const planned = createManifest(values, known);
  const recorded = store.findExperiment(planned.hash);
  const held = recorded === null ? null : store.workShards(recorded.id);
  const shards = shardsToRun(config, held, problemSet.problems.length);
  const problems = heldBy(shards, problemSet.problems);
  const tasks = recorded === null ? allTasks(problems, values.samples) : missingTasks(store, recorded, problems, values);
  const before = recorded === null ? { samples: 0, executed: 0 } : store.counts(recorded.id);
  await checkGeneration(model, values, tasks, signal);
  const directory = outputFolder(store, values, planned);
  await prepareOutputs(directory);

  let experiment = recorded;
  if (experiment === null || tasks.length > 0 || hasPending(store, experiment)) {
    const executor = await openSandbox(values, recorded?.calibration);
    try {
      const { pythonVersion, tier, tierReason, calibration } = executor.info;
      if (tierReason !== null) progress.note(`isolation: ${tier} (${tierReason})`);
      const manifest = createManifest(values, { ...known, pythonVersion, isolationTier: tier, calibration });
      if (recorded !== null) {
        checkResumable(recorded, manifest);
        progress.note(`continuing ${recorded.name}: ${before.samples} samples and ${before.executed} verdicts are there`);
      }
      experiment = store.beginExperiment(manifest, shards);
      if (!shards.some((shard) => sameShard(shard, WHOLE))) progress.note(`working on ${describeShards(shards)}`);
      if (tasks.length > 0) {
        noteDevice(values, model.info, progress);
        // The row tells where the experiment began; in float32 it may go on elsewhere.
        const device = describeDevice(manifest);
        if (describeDevice(experiment) !== device) store.addNote(experiment.id, 'generate', `continued on ${device}`);
      }
      store.addProblems(
        experiment.id,
        problemSet.problems.map((problem, position) => ({ ...problem, position })),
      );
      await runStages({
        store,
        experiment,
        executor,
        view,
        seed: values.seed,
        fragile: values['sandbox.fragile'],
        tokensOf: tokensIn(store, experiment, model),
        total: heldBy(store.workShards(experiment.id), problemSet.problems).length * values.samples,
        samples: (stageSignal) => generateSamples(model, values, tasks, stageSignal),
        signal,
        progress,
      });
    } finally {
      await executor.dispose();
    }
  }

  signal.throwIfAborted();
  classifyStored(store, experiment.id, view, tokensIn(store, experiment, model));
  // A shard that an earlier run began and this one was not asked for may still be open.
  if (isComplete(store, experiment)) store.finishExperiment(experiment.id);
  experiment = chooseExperiment(store, experiment.hash);
  const report = summariseExperiment(store, experiment);
  const files = await writeOutputs(store, experiment, report, directory);
  const after = store.counts(experiment.id);
  return {
    experiment,
    report,
    database,
    directory,
    files,
    shards: store.workShards(experiment.id),
    generated: after.samples - before.samples,
    executed: after.executed - before.executed,
    unjudged: gatherUnjudged(samplesOfStatus(store, experiment, 'infra')),
    unsupported: gatherUnjudged(samplesOfStatus(store, experiment, 'unsupported')),
  };
}

/** Tokens of stored samples, spelled by the model's tokenizer. */
function tokensIn(store: Store, { id }: Experiment, { tokenizer }: Model): TokensOf<SampleKey & { readonly rawText: string }> {
  return (sample, range) => {
    const { tokens } = store.tokens(id, sample);
    return tokenSpan(
      Array.from(tokens, (token) => tokenizer.tokenBytes(token)),
      sample.rawText,
      range,
    );
  };
}

function allTasks(problems: readonly Problem[], samples: number): GenerationTask[] {
  const sampleIndices = Array.from({ length: samples }, (_, index) => index);
  return problems.map((problem) => ({ problem, sampleIndices }));
}

function missingTasks(store: Store, recorded: Experiment, problems: readonly Problem[], values: Config['values']): GenerationTask[] {
  const done = store.doneSampleKeys(recorded.id, strategyOf(values).strategy.name);
  return allTasks(problems, values.samples)
    .map(({ problem, sampleIndices }) => ({
      problem,
      sampleIndices: sampleIndices.filter((index) => done.get(problem.taskId)?.has(index) !== true),
    }))
    .filter(({ sampleIndices }) => sampleIndices.length > 0);
}

function* samplesOfStatus(
  store: Store,
  { id }: Experiment,
  status: 'infra' | 'unsupported',
): Generator<{ taskId: string; reason: string }> {
  for (const { taskId, verdict } of store.judgedSamples(id, { outcome: 'infra' })) {
    if (verdict.outcome.status === status) yield { taskId, reason: verdict.outcome.reason };
  }
}

function hasPending(store: Store, experiment: Experiment): boolean {
  for (const _ of store.pendingExecutions(experiment.id)) return true;
  return false;
}
