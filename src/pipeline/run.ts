/**
 * The main job: generate -> execute -> classify -> report, one stage after another in meaning, the first two at the same
 * time in practice. Every stage skips what the store has, so that the same command continues after any interruption and
 * ends in the same results. Prints nothing: progress goes to what it is handed.
 */
import { dirname, join } from 'node:path';
import type { Config } from '../config/load.js';
import type { Problem } from '../datasets/problem.js';
import { FaultlineError } from '../errors.js';
import type { ReportData } from '../reports/report-data.js';
import type { Executor } from '../sandbox/executor.js';
import { Store } from '../store/store.js';
import type { ExecutionRow, Experiment, PendingExecution } from '../store/types.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { BatchWriter } from './batch-writer.js';
import { createCategoryView, type CategoryView } from './category-view.js';
import { classifyStored } from './classify.js';
import { executeAll } from './execute.js';
import { checkResumable, createManifest, type Provenance } from './experiment.js';
import { generateSamples, loadModel, strategyOf, type GeneratedSample, type GenerationTask } from './generate.js';
import { version } from './bundled.js';
import { databasePath, problemsOf } from './inputs.js';
import type { Progress } from './progress.js';
import { prepareOutputs, summariseExperiment, writeOutputs } from './report.js';
import { openSandbox } from './sandbox.js';
import { WorkQueue } from './work-queue.js';

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
  /** How much of it this run did; the rest was there. */
  readonly generated: number;
  readonly executed: number;
}

/**
 * Runs the experiment of a config to its end, or from where it was.
 * @throws FaultlineError: `interrupted` when aborted, `infrastructure` when the sandbox failed three times in a row,
 *   and whatever the config's files, the machine and the outputs give cause to; finished samples are kept in every case
 */
export async function runExperiment(config: Config, { signal, progress }: RunOptions): Promise<RunResult> {
  const { values } = config;
  const view = createCategoryView(values, CATEGORIES);
  const problemSet = await problemsOf(values);
  await using model = await loadModel(values);
  const database = databasePath(values);
  await prepareOutputs(dirname(database));
  using store = Store.open(database);
  signal.throwIfAborted();

  const known: Provenance = {
    modelHash: model.info.modelHash,
    tokenizerHash: model.tokenizer.hash,
    problemsHash: problemSet.hash,
    kernelFamily: model.info.kernelFamily,
    isa: model.info.isa,
    cpu: model.info.cpu,
    pythonVersion: '',
    isolationTier: '',
    calibration: 1,
    version: version(),
  };
  // The hash leaves the sandbox out, so an experiment that is there already lends its calibration to the sandbox.
  const recorded = store.findExperiment(createManifest(values, known).hash);
  const executor = await openSandbox(values, recorded?.calibration);
  try {
    const { pythonVersion, tier, calibration } = executor.info;
    const manifest = createManifest(values, { ...known, pythonVersion, isolationTier: tier, calibration });
    const directory = join(values['outputs.directory'], manifest.name);
    await prepareOutputs(directory);
    const tasks =
      recorded === null ? allTasks(problemSet.problems, values.samples) : missingTasks(store, recorded, problemSet.problems, values);
    if (recorded !== null && (tasks.length > 0 || hasPending(store, recorded))) checkResumable(recorded, manifest);
    const experiment = store.beginExperiment(manifest);
    store.addProblems(
      experiment.id,
      problemSet.problems.map((problem, position) => ({ ...problem, position })),
    );

    const before = store.counts(experiment.id);
    const stages = new Stages(store, experiment, executor, view, { signal, progress });
    const total = problemSet.problems.length * values.samples;
    await stages.run(
      generateSamples(model, values, tasks, stages.signal),
      { total, generated: before.samples, executed: before.executed },
      values,
    );

    classifyStored(store, experiment.id, view);
    if (experiment.finishedAt === null) store.finishExperiment(experiment.id);
    const finished = store.beginExperiment(manifest);
    const report = summariseExperiment(store, finished);
    const files = await writeOutputs(store, finished, report, directory);
    const after = store.counts(experiment.id);
    return {
      experiment: finished,
      report,
      database,
      directory,
      files,
      generated: after.samples - before.samples,
      executed: after.executed - before.executed,
    };
  } finally {
    await executor.dispose();
  }
}

/** Generation and execution side by side, with the store between them. */
class Stages {
  private readonly stop = new AbortController();
  /** Aborted from outside, or when either stage fails: then the other one has nothing left to work for. */
  readonly signal: AbortSignal;

  constructor(
    private readonly store: Store,
    private readonly experiment: Experiment,
    private readonly executor: Executor,
    private readonly view: CategoryView,
    private readonly options: RunOptions,
  ) {
    this.signal = AbortSignal.any([options.signal, this.stop.signal]);
  }

  async run(
    samples: AsyncIterable<GeneratedSample>,
    counts: { readonly total: number; readonly generated: number; readonly executed: number },
    values: Config['values'],
  ): Promise<void> {
    const { store, experiment, options } = this;
    const queue = new WorkQueue<PendingExecution>();
    queue.push(...store.pendingExecutions(experiment.id));
    const generating = options.progress.task('generate', counts.total, counts.generated);
    const executing = options.progress.task('execute', counts.total, counts.executed);

    const generation = async (): Promise<void> => {
      // A sample goes to the sandbox when it is stored, so that no verdict can be without its sample.
      const writer = new BatchWriter<GeneratedSample>((batch) => {
        store.addSamples(
          experiment.id,
          batch.map(({ row }) => row),
        );
        queue.push(...batch.map(({ executable }) => executable));
      });
      try {
        for await (const sample of samples) {
          writer.add(sample);
          generating.advance();
        }
      } finally {
        writer.flush();
        queue.close();
      }
    };
    const execution = async (): Promise<void> => {
      const writer = new BatchWriter<ExecutionRow>((batch) => {
        store.addExecutions(experiment.id, batch);
      });
      try {
        await executeAll(queue, { executor: this.executor, seed: values.seed, view: this.view, signal: this.signal }, (sample, judged) => {
          const { strategy, taskId, sampleIndex } = sample;
          writer.add({ strategy, taskId, sampleIndex, verdict: judged.verdict, ...judged.decision });
          executing.advance();
        });
      } finally {
        writer.flush();
      }
    };

    let first: unknown;
    const guarded = async (stage: () => Promise<void>): Promise<void> => {
      try {
        await stage();
      } catch (thrown) {
        // What fails second usually fails because of the first.
        first ??= thrown;
        this.stop.abort(thrown);
      }
    };
    await Promise.all([guarded(generation), guarded(execution)]);
    options.progress.finish();
    if (options.signal.aborted) throw this.interrupted(counts.total);
    if (first !== undefined) throw first;
  }

  private interrupted(total: number): FaultlineError {
    const { samples, executed } = this.store.counts(this.experiment.id);
    const reason: unknown = this.options.signal.reason;
    return new FaultlineError('interrupted', `stopped; ${samples} of ${total} samples and ${executed} verdicts are kept`, {
      ...(reason instanceof FaultlineError && reason.hint !== undefined ? { hint: reason.hint } : {}),
      cause: reason,
    });
  }
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

function hasPending(store: Store, experiment: Experiment): boolean {
  for (const _ of store.pendingExecutions(experiment.id)) return true;
  return false;
}
