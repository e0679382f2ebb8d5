/**
 * The main job: the stages of `stages/index.ts`, or some of them, over one experiment. Each skips what the store has, so that the same
 * command continues after any interruption and ends in the same results. Prints nothing: progress goes to what it is handed.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Config } from '../config/load.js';
import { sameShard, showShard, WHOLE, type Shard } from '../config/shard.js';
import type { Model } from '../decoding/model.js';
import { FaultlineError } from '../errors.js';
import type { ReportData } from '../reports/report-data.js';
import type { Experiment } from '../store/types.js';
import { version } from './bundled.js';
import { describeDevice, deviceAndFamily, noteDevice } from './device.js';
import { joinEstimates, noteEstimate, type RunEstimate } from './estimate.js';
import { checkResumable, sandboxKnown } from './experiment.js';
import { noteCopies } from './generate.js';
import { databasePath } from './inputs.js';
import type { Progress } from './progress.js';
import { chooseExperiment, outputFolder } from './report.js';
import { sideBySide } from './side-by-side.js';
import { rowOf, STAGES } from './stages/index.js';
import type { Stage, StageResult, StageRow } from './stages/stage.js';
import { closeFailed, findTrackers, summaryMetrics, trackedConfig } from './tracking/index.js';
import type { Tracker } from './tracking/tracker.js';
import { leftOut, type LeftOut } from './unjudged.js';
import { describeShards, isComplete } from './work-shards.js';
import { Workbench } from './workbench.js';

export interface RunOptions {
  /** Default: all. */
  readonly stages?: readonly StageRow[];
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** As the workbench's. */
  readonly sharedModel?: () => Promise<Model>;
  /** What {@link estimateExperiment} has said of this run to whoever began it: it is not measured again, nor told of. Default: not asked yet. */
  readonly estimated?: RunEstimate | null;
}

export interface RunResult extends LeftOut {
  readonly experiment: Experiment;
  /** Null where the report was not among the stages. */
  readonly report: ReportData | null;
  readonly database: string;
  /** The folder of the report and the exported samples; null as above. */
  readonly directory: string | null;
  readonly files: readonly string[];
  /** The parts of the experiment's work that the database is to hold. */
  readonly shards: readonly Shard[];
  /** What the database holds of them. */
  readonly samples: number;
  readonly judged: number;
  /** How much of it this run did; the rest was there. */
  readonly generated: number;
  readonly executed: number;
  /** What each stage did and skipped, in the order of the table. */
  readonly stages: readonly (StageResult & { readonly name: string })[];
  /** What it was estimated to take; null where little was left to do. */
  readonly estimate: RunEstimate | null;
}

interface LoadedStage {
  readonly row: StageRow;
  readonly stage: Stage;
}

/**
 * Runs stages of the experiment of a config to their end, or from where they were.
 * @throws FaultlineError: `input` where a stage needs what is not stored, with the stage to run first; `interrupted` when aborted,
 *   `infrastructure` when the sandbox failed three times in a row, and whatever the config's files, the machine and the outputs give
 *   cause to; what is finished is kept in every case
 */
export async function runExperiment(
  config: Config,
  { stages: rows = STAGES, signal, progress, sharedModel, estimated }: RunOptions,
): Promise<RunResult> {
  const [loaded, openTracker] = await Promise.all([loadStages(rows), findTrackers(config.values)]);
  await using bench = new Workbench(config, { rows, signal, progress, sharedModel });
  await prepare(bench, loaded);
  const { values, store } = bench;
  const { name, hash } = bench.identity();
  const tracked = trackedConfig(values);
  const directory = outputFolder(store, values, { name, hash });
  const tracker = await openTracker(
    { directory, experiment: name, project: values['tracking.wandb_project'], config: tracked },
    { event: 'run_start', experiment: name, hash, version: version(), stages: rows.map((row) => row.name), config: tracked },
  );
  let result: RunResult;
  try {
    progress.watch((task, done, total) => {
      tracker.record({ event: 'progress', task, done, total });
    });
    result = await runStages(bench, loaded, { tracker, estimated });
    tracker.record({ event: 'run_end', samples: result.samples, verdicts: result.judged });
  } catch (thrown) {
    progress.watch(null);
    await closeFailed(tracker, thrown);
    throw thrown;
  }
  progress.watch(null);
  await tracker.close(true);
  return result;
}

/** The run itself, once everything is open. */
async function runStages(
  bench: Workbench,
  loaded: readonly LoadedStage[],
  { tracker, estimated }: { readonly tracker: Tracker; readonly estimated: RunEstimate | null | undefined },
): Promise<RunResult> {
  const { store, signal, progress } = bench;
  const before = bench.experiment === null ? { samples: 0, executed: 0 } : store.counts(bench.experiment.id);
  if (bench.experiment !== null && hasWork(bench)) {
    progress.note(`continuing ${bench.experiment.name}: ${before.samples} samples and ${before.executed} verdicts are there`);
  }
  const estimate = estimated === undefined ? await estimateStages(bench, loaded, false) : estimated;
  if (estimated === undefined) noteEstimate(estimate, progress);
  begin(bench);

  const stages: (StageResult & { readonly name: string })[] = [];
  for (const group of groupsOf(loaded)) {
    for (const { row } of group) tracker.record({ event: 'stage_start', stage: row.name });
    const results = await runGroup(bench, group);
    for (const { name, text, done, skipped } of results) {
      progress.note(`${name}: ${text}`);
      tracker.record({ event: 'stage_end', stage: name, done, skipped });
    }
    stages.push(...results);
    signal.throwIfAborted();
    if (store.readonly) continue;
    // A shard that an earlier run began and this one was not asked for may still be open.
    if (isComplete(store, bench.begun())) store.finishExperiment(bench.begun().id);
    bench.experiment = chooseExperiment(store, bench.begun().hash);
  }
  if (bench.report !== null) tracker.record({ event: 'summary', metrics: summaryMetrics(bench.report) });
  const experiment = bench.begun();
  const after = store.counts(experiment.id);
  return {
    experiment,
    report: bench.report,
    database: bench.database,
    directory: bench.directory,
    files: bench.files,
    shards: store.workShards(experiment.id),
    samples: after.samples,
    judged: after.executed,
    generated: after.samples - before.samples,
    executed: after.executed - before.executed,
    stages,
    estimate,
    ...leftOut(store.judgedSamples(experiment.id, { outcome: 'infra' })),
  };
}

/**
 * What stages would take, measured as for a run; null where nothing is left, or with `asked` false little. Stores nothing. Throws as a
 * run would before it begins.
 */
export async function estimateExperiment(
  config: Config,
  { stages: rows = STAGES, signal, progress, sharedModel, asked = true }: RunOptions & { readonly asked?: boolean },
): Promise<RunEstimate | null> {
  const loaded = await loadStages(rows);
  const isThere = existsSync(databasePath(config.values));
  // An estimate leaves no database behind, so an empty one stands for one that is yet to be made.
  const scratch = isThere || !rows.some(({ needs }) => needs.length === 0) ? null : mkdtempSync(join(tmpdir(), 'faultline-estimate-'));
  try {
    const estimating = { database: scratch === null ? null : join(scratch, 'faultline.db') };
    await using bench = new Workbench(config, { rows, signal, progress, sharedModel, estimating });
    await prepare(bench, loaded);
    return await estimateStages(bench, loaded, asked);
  } finally {
    if (scratch !== null) rmSync(scratch, { recursive: true, force: true });
  }
}

async function loadStages(rows: readonly StageRow[]): Promise<LoadedStage[]> {
  return Promise.all(rows.map(async (row) => ({ row, stage: (await row.load()).stage })));
}

/** Finds the experiment, and refuses what cannot work before anything is started. */
async function prepare(bench: Workbench, loaded: readonly LoadedStage[]): Promise<void> {
  if (!bench.runs('generate')) {
    bench.findStored();
    await requireNeeds(bench, loaded);
  }
  for (const { stage } of loaded) {
    bench.signal.throwIfAborted();
    await stage.prepare?.(bench);
  }
  if (bench.runs('generate')) await requireNeeds(bench, loaded);
  if (bench.experiment !== null && hasWork(bench)) checkResumable(bench.experiment, bench.manifestNow());
}

/** Whether anything is left to draw or to execute. A sandbox alone is no sign of it: it may only be to mark assertions. */
function hasWork(bench: Workbench): boolean {
  return bench.tasks.length > 0 || (bench.executor !== null && bench.hasExecutions());
}

/** Throws `input` for the first stage that needs what neither the database has nor an earlier stage of this run makes. */
async function requireNeeds(bench: Workbench, loaded: readonly LoadedStage[]): Promise<void> {
  for (const { row } of loaded) {
    for (const need of row.needs) {
      const missing = await firstMissing(bench, need);
      if (missing === null) continue;
      const holds = bench.experiment === null ? 'nothing of this experiment' : `no ${rowOf(need).makes} of this experiment`;
      throw new FaultlineError('input', `the stage ${row.name} needs ${rowOf(need).makes}, and the database holds ${holds}`, {
        place: { file: bench.database },
        hint: `Run first, with the same config and flags: faultline run --only ${missing}`,
      });
    }
  }
  const { shard } = bench.values;
  if (shard === null || bench.experiment === null || bench.runs('generate')) return;
  if (bench.store.workShards(bench.experiment.id).some((held) => sameShard(held, shard))) return;
  throw new FaultlineError('input', `the database does not hold shard ${showShard(shard)} of this experiment`, {
    place: { file: bench.database },
    hint: 'Leave the shard out: later stages work on all that is there. Or run first: faultline run --only generate',
  });
}

/** The stage to begin with so that `name` has something to show; null where it has, or will have in this run. */
async function firstMissing(bench: Workbench, name: string): Promise<string | null> {
  if (bench.runs(name)) return null;
  const row = rowOf(name);
  if (bench.experiment !== null && (await row.load()).stage.there(bench) !== 0) return null;
  for (const need of row.needs) {
    const earlier = await firstMissing(bench, need);
    if (earlier !== null) return earlier;
  }
  return name;
}

async function estimateStages(bench: Workbench, loaded: readonly LoadedStage[], asked: boolean): Promise<RunEstimate | null> {
  const parts = [];
  for (const { row, stage } of loaded) {
    // Signals come between two turns of the event loop alone.
    await turn();
    bench.signal.throwIfAborted();
    const part = await stage.estimate(bench, asked);
    if (part !== null) parts.push({ ...part, stage: row.name, beside: row.beside });
  }
  return joinEstimates(parts, bench.database);
}

/** Records the experiment, or what this run adds to it. Leaves one alone that has nothing left to draw or execute. */
function begin(bench: Workbench): void {
  const { store, experiment: recorded, tasks, shards, values, progress, model, executor } = bench;
  if (recorded !== null && !hasWork(bench)) return;
  const manifest = bench.manifestNow();
  let experiment = bench.runs('generate') ? store.beginExperiment(manifest, shards) : bench.begun();
  if (executor !== null && !sandboxKnown(experiment)) experiment = store.recordSandbox(experiment.id, manifest);
  bench.experiment = experiment;
  if (!bench.runs('generate')) return;
  if (!shards.some((shard) => sameShard(shard, WHOLE))) progress.note(`working on ${describeShards(shards)}`);
  if (tasks.length > 0) {
    noteDevice(values, model!.info, progress);
    noteCopies(values, progress);
    // The row tells where the experiment began; in float32 it may go on elsewhere.
    const version = experiment.version === manifest.version ? '' : `, faultline ${manifest.version}`;
    if (deviceAndFamily(experiment) !== deviceAndFamily(manifest) || version !== '')
      store.addNote(experiment.id, 'generate', `continued on ${describeDevice(manifest)}${version}`);
  }
  bench.recordProblems();
}

/** Stages that run at the same time: one that is `beside` joins those before it. */
function groupsOf(loaded: readonly LoadedStage[]): LoadedStage[][] {
  const groups: LoadedStage[][] = [];
  for (const each of loaded) {
    const last = groups.at(-1);
    const joins = each.row.beside && last?.some(({ row }) => each.row.needs.includes(row.name)) === true;
    if (joins) last.push(each);
    else groups.push([each]);
  }
  return groups;
}

async function runGroup(bench: Workbench, group: readonly LoadedStage[]): Promise<(StageResult & { readonly name: string })[]> {
  // What nobody adds to has its end where it is now.
  if (!group.some(({ row }) => row.name === 'generate')) bench.stored.close();
  const results = new Map<string, StageResult>();
  try {
    await sideBySide(
      group.map(({ row, stage }) => async (signal) => {
        results.set(row.name, await stage.work(bench, signal));
      }),
      bench.signal,
    );
  } catch (thrown) {
    bench.progress.finish();
    if (bench.signal.aborted) throw interrupted(bench);
    throw thrown;
  }
  bench.progress.finish();
  return group.map(({ row: { name } }) => ({ name, ...results.get(name)! }));
}

function interrupted(bench: Workbench): FaultlineError {
  const reason: unknown = bench.signal.reason;
  const { samples, executed } = bench.store.counts(bench.begun().id);
  return new FaultlineError('interrupted', `stopped; ${samples} of ${bench.total()} samples and ${executed} verdicts are kept`, {
    ...(reason instanceof FaultlineError && reason.hint !== undefined ? { hint: reason.hint } : {}),
    cause: reason,
  });
}
