/**
 * Samples that were made elsewhere, as an experiment of their own: judged and named like ours, for every question that a stored
 * experiment answers but those about tokens. Idempotent and resumable, like a run. How files of samples look is `datasets/samples.ts`'s.
 */
import { createHash } from 'node:crypto';
import { canonicalResults, type Config } from '../config/load.js';
import type { Question } from '../datasets/problem.js';
import { readSamples } from '../datasets/samples.js';
import type { ReportData } from '../reports/report-data.js';
import type { ProcessExecutor } from '../sandbox/process-executor.js';
import { IMPORTED } from '../store/imported.js';
import { Store } from '../store/store.js';
import type { Experiment, ExperimentManifest, SampleRow } from '../store/types.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { reportWithAnalyses } from './analyze.js';
import { hasUnmarked, markAssertions } from './assertion-marks.js';
import { executionEstimate, meanTokensOf } from './calibration.js';
import { reportEstimate } from './calibration-report.js';
import { classifyEstimate, measureEstimate } from './calibration-texts.js';
import { version } from './bundled.js';
import { createCategoryView } from './category-view.js';
import { classifyStored } from './classify.js';
import { joinEstimates, noteEstimate, type RunEstimate } from './estimate.js';
import type { Executable, ExecuteOptions } from './execute.js';
import { checkResumable, experimentName } from './experiment.js';
import { interrupted } from './generate-file.js';
import { databasePath, problemsOf } from './inputs.js';
import { thisMachine } from './machine.js';
import { measureStored } from './measure.js';
import type { Progress } from './progress.js';
import { checkOutputs, chooseExperiment, outputFolder, prepareOutputs, writeOutputs } from './report.js';
import { openSandbox } from './sandbox.js';
import { storeVerdicts } from './stages/execute.js';
import { leftOut, type LeftOut } from './unjudged.js';
import { isComplete } from './work-shards.js';

export interface ImportOptions {
  /** A file of samples. */
  readonly samples: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface ImportResult extends LeftOut {
  readonly experiment: Experiment;
  readonly database: string;
  readonly directory: string;
  readonly files: readonly string[];
  readonly samples: number;
  readonly executed: number;
  readonly report: ReportData;
  /** What it was estimated to take; null where little was left to do. */
  readonly estimate: RunEstimate | null;
  /** Of lines that say whether they passed: how many, and those that came out otherwise here. */
  readonly claims: {
    readonly made: number;
    readonly contradicted: readonly { readonly taskId: string; readonly sampleIndex: number; readonly claimed: boolean }[];
  };
}

/** Samples of one batch: a transaction each. */
const BATCH = 1_000;

/**
 * Stores the samples of a file as an experiment, judges what has no verdict yet or one of `infra`, measures the texts, and writes the report.
 * @throws FaultlineError: `input` for a malformed line (with file, line and column), a task that the problems have not, a line that says it is of
 *   another version of its problem, and a sample that comes twice, and `usage` where the report would replace one of the files that are read,
 *   before anything is stored; otherwise what a run throws
 */
export async function importSamples(config: Config, { samples: file, signal, progress }: ImportOptions): Promise<ImportResult> {
  const { values } = config;
  const view = createCategoryView(values, CATEGORIES, config.origins);
  const problemSet = await problemsOf(config);
  const { rows, claims, hash } = await readRows(file, new Map(problemSet.problems.map((problem) => [problem.taskId, problem])));
  const database = databasePath(values);
  using store = Store.open(database);
  signal.throwIfAborted();

  const identity = identityOf(config, hash, problemSet.hash);
  const recorded = store.findExperiment(identity.hash);
  const directory = outputFolder(store, values, identity);
  await checkOutputs(directory, database, [file, problemSet.path]);
  await prepareOutputs(directory);
  const before = recorded === null ? 0 : store.counts(recorded.id).executed;
  // Those whose verdict is `infra` are judged again, as a run does.
  const isJudged = before >= rows.length;
  const isDone = recorded !== null && isJudged && !hasUnmarked(store, recorded.id);
  let estimate: RunEstimate | null = null;
  if (!isDone) {
    const executor = await openSandbox(values, recorded?.calibration);
    try {
      const { pythonVersion, tier, tierReason, calibration } = executor.info;
      if (tierReason !== null) progress.note(`isolation: ${tier} (${tierReason})`);
      const manifest = { ...identity, pythonVersion, isolationTier: tier, calibration };
      if (recorded !== null && !isJudged) checkResumable(recorded, manifest);
      const { id } = store.beginExperiment(manifest);
      store.addProblems(
        id,
        problemSet.problems.map((problem, position) => ({ ...problem, position })),
      );
      for (let at = 0; at < rows.length; at += BATCH) store.addSamples(id, rows.slice(at, at + BATCH));
      estimate = await estimateImport(store, id, { executor, seed: values.seed, view, fragile: values['sandbox.fragile'], signal });
      noteEstimate(estimate, progress);
      await markAssertions(store, id, { executor, seed: values.seed, signal, note: (text) => progress.note(text) });
      const task = progress.task('execute', rows.length, before);
      await storeVerdicts(
        store,
        id,
        store.pendingExecutions(id),
        { executor, seed: values.seed, view, fragile: values['sandbox.fragile'], signal },
        () => {
          task.advance();
        },
      );
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
      const found = store.findExperiment(identity.hash);
      throw interrupted(found === null ? 0 : store.counts(found.id).executed, signal.reason);
    } finally {
      progress.finish();
      await executor.dispose();
    }
  }
  const begun = store.findExperiment(identity.hash)!;
  const { id } = begun;
  const { executed } = store.counts(id);
  if (isComplete(store, begun)) store.finishExperiment(id);
  try {
    if (isDone) noteEstimate((estimate = await estimateImport(store, id, { executor: null, view, signal })), progress);
    await decideAndMeasure(store, id, { view, signal, progress });
    const experiment = chooseExperiment(store, identity.hash);
    const report = await reportWithAnalyses(store, experiment, signal, progress);
    const files = await writeOutputs(store, experiment, { data: report, directory, signal, progress });
    return {
      experiment,
      database,
      directory,
      files,
      samples: rows.length,
      executed: executed - before,
      report,
      estimate,
      claims: { made: claims.size, contradicted: contradictedBy(store, id, claims) },
      ...leftOut(store.judgedSamples(id, { outcome: 'infra' })),
    };
  } catch (thrown) {
    throw signal.aborted ? interrupted(store.counts(id).executed, signal.reason) : thrown;
  } finally {
    progress.finish();
  }
}

/** What is left of an import whose samples are stored, without `executor` none of them to be executed; null where that is little. */
async function estimateImport(
  store: Store,
  experimentId: number,
  options: Pick<ExecuteOptions<Executable>, 'view' | 'signal'> &
    ({ readonly executor: null } | { readonly executor: ProcessExecutor; readonly seed: bigint; readonly fragile: boolean }),
): Promise<RunEstimate | null> {
  const { view, signal } = options;
  const { samples, executed, infra } = store.counts(experimentId);
  const ahead = { store, experimentId, problems: store.problems(experimentId) };
  const verdicts = options.executor === null ? executed + infra : samples;
  const stages = [
    [
      'execute',
      () => (options.executor === null ? null : executionEstimate({ left: samples - executed, problems: ahead.problems }, false, options)),
    ],
    ['classify', () => classifyEstimate(ahead, verdicts, false, { view })],
    ['measure', () => measureEstimate(ahead, 0, false)],
    ['report', () => reportEstimate(ahead, { samples: verdicts, tokens: meanTokensOf(store, experimentId) ?? 0 }, false)],
  ] as const;
  const parts = [];
  for (const [stage, estimated] of stages) {
    signal.throwIfAborted();
    const part = await estimated();
    if (part !== null) parts.push({ ...part, stage, beside: false });
  }
  return joinEstimates(parts, store.file);
}

/** Like the stages `classify` and `measure` of a run. Measures also samples that were imported before there was anything to measure with. */
async function decideAndMeasure(
  store: Store,
  id: number,
  { view, signal, progress }: Pick<ExecuteOptions<Executable>, 'view'> & Omit<ImportOptions, 'samples'>,
): Promise<void> {
  const { samples, executed, infra } = store.counts(id);
  const deciding = progress.task('classify', executed + infra);
  // By the present rules and categories, also where all was there.
  await classifyStored(store, id, {
    view,
    signal,
    onDecided: () => {
      deciding.advance();
    },
  });
  progress.finish();
  const measuring = progress.task('measure', samples, store.measuredCount(id));
  await measureStored(store, id, signal, () => {
    measuring.advance();
  });
  progress.finish();
}

/** The rows of a file, what its lines claim of themselves, and the file's hash. Throws `input`, with the place. */
async function readRows(
  file: string,
  known: ReadonlyMap<string, Question>,
): Promise<{ rows: SampleRow[]; claims: Map<string, boolean>; hash: string }> {
  const content = createHash('sha256');
  const rows: SampleRow[] = [];
  const claims = new Map<string, boolean>();
  for await (const { source, taskId, completion, sampleIndex, finishReason, claimed } of readSamples(file, known)) {
    content.update(source.text).update('\n');
    const key = keyOf(taskId, sampleIndex);
    if (claimed !== null) claims.set(key, claimed);
    rows.push({
      strategy: IMPORTED,
      taskId,
      sampleIndex,
      completion,
      rawText: completion,
      cut: completion.length,
      // Not known is none of the reasons there are: nothing is decided by it.
      finishReason: finishReason ?? 'unknown',
      tokens: new Int32Array(),
      logprobs: new Float32Array(),
      entropies: new Float32Array(),
      seed: '0',
      error: null,
    });
  }
  return { rows, claims, hash: content.digest('hex') };
}

/** An experiment's identity without a model: the samples' text stands for it. The config has the entries that judging depends on. */
function identityOf(config: Config, samplesHash: string, problemsHash: string): ExperimentManifest {
  const { values } = config;
  const name = values.experiment ?? `${IMPORTED}-${experimentName({ ...values, 'model.path': samplesHash.slice(0, 12) })}`;
  const entries = JSON.parse(canonicalResults({ ...values, experiment: name })) as Record<string, unknown>;
  const judging = Object.fromEntries(
    Object.entries(entries).filter(([key]) => /^(experiment|seed)$|^(limits|categories|problems|sandbox)\./.test(key)),
  );
  const text = JSON.stringify(judging);
  return {
    name,
    config: text,
    hash: createHash('sha256')
      .update(JSON.stringify([IMPORTED, text, samplesHash, problemsHash]))
      .digest('hex'),
    seed: values.seed.toString(),
    modelHash: samplesHash,
    tokenizerHash: IMPORTED,
    problemsHash,
    dtype: IMPORTED,
    device: IMPORTED,
    deviceName: IMPORTED,
    kernelFamily: IMPORTED,
    isa: IMPORTED,
    cpu: thisMachine().cpu,
    pythonVersion: '',
    isolationTier: '',
    calibration: 1,
    version: version(),
  };
}

function contradictedBy(store: Store, id: number, claims: ReadonlyMap<string, boolean>): ImportResult['claims']['contradicted'] {
  if (claims.size === 0) return [];
  const found = [];
  for (const { taskId, sampleIndex, verdict, outcome } of store.judgedSamples(id)) {
    const claimed = claims.get(keyOf(taskId, sampleIndex));
    if (claimed !== undefined && outcome !== 'infra' && claimed !== verdict.passed) found.push({ taskId, sampleIndex, claimed });
  }
  return found;
}

function keyOf(taskId: string, sampleIndex: number): string {
  return JSON.stringify([taskId, sampleIndex]);
}
