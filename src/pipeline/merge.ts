/**
 * `faultline merge`: several databases of one experiment as one. Everything is compared before anything is written: rows of one
 * sample must agree in every result column, and what is there is never replaced. Ends in the results that one run would have made,
 * to the byte, text measures included, where they were made: the stage `measure` makes the others. The same command goes on where an interrupted
 * one stopped, as what is there already agrees. Executes and measures nothing.
 */
import { existsSync, realpathSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { defaultValues } from '../config/defaults.js';
import type { ConfigValues } from '../config/schema.js';
import { sameShard, type Shard } from '../config/shard.js';
import { FaultlineError } from '../errors.js';
import { toDecisionColumns } from '../store/decision-columns.js';
import { categoryDifference, judgedDifference, measuresDifference, sampleDifference } from '../store/differences.js';
import { isImported } from '../store/imported.js';
import { Store } from '../store/store.js';
import type { AssertionMarks, Experiment, JudgedSample, MeasuresRow, ProblemRow, SampleKey, StoredSample } from '../store/types.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { createCategoryView } from './category-view.js';
import { describeDevice } from './device.js';
import { decide } from './execute.js';
import { mismatch, sandboxKnown } from './experiment.js';
import { unrecordedMachine } from './machine.js';
import type { Progress } from './progress.js';
import { chooseExperiment } from './report.js';
import { faultyProblems } from './unjudged.js';
import { describeShards, extentOf, isComplete } from './work-shards.js';

export interface MergeOptions {
  /** A new file, or a database to merge into. */
  readonly output: string;
  /** Name or hash; without one, everything that the databases hold, which must be the same experiments. */
  readonly experiment?: string | undefined;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface MergedExperiment {
  readonly experiment: string;
  readonly hash: string;
  readonly shards: readonly Shard[];
  /** In the output afterwards. */
  readonly samples: number;
  readonly executed: number;
  /** Of the whole experiment; null where its config does not say. */
  readonly whole: number | null;
}

/** One experiment in one database. */
interface Source {
  readonly file: string;
  readonly store: Store;
  readonly experiment: Experiment;
}

/**
 * Merges the databases `files` into `output`.
 * @throws FaultlineError kind `input` for a missing or damaged database, one of another version, other experiments, and for a
 *   conflict, with its first sample and column; `environment` for results that an experiment may not mix; `usage` where the output
 *   is one of the inputs; `output` where it cannot be written. In all cases but the last no row has been written; an output of an
 *   older version has been upgraded.
 */
export async function mergeDatabases(files: readonly string[], options: MergeOptions): Promise<MergedExperiment[]> {
  const { output, signal, progress } = options;
  refuseOutputAmongInputs(files, output);
  const opened: Store[] = [];
  const open = (file: string, readonly: boolean): Store => {
    const store = Store.open(file, { readonly });
    opened.push(store);
    return store;
  };
  try {
    const stores = files.map((file) => open(file, true));
    const experiments = chooseExperiments(stores, options.experiment).map(({ hash }) =>
      stores.map((store): Source => ({ file: store.file, store, experiment: store.findExperiment(hash)! })),
    );
    const there = existsSync(output) ? open(output, false) : null;
    for (const sources of experiments) {
      const experiment = there?.findExperiment(sources[0]!.experiment.hash) ?? null;
      const before = there === null || experiment === null ? [] : [{ file: output, store: there, experiment }];
      await checkAgreement([...before, ...sources], signal);
      refuseOtherMarks([...marksIn(output, there), ...sources]);
    }
    const target = there ?? open(output, false);
    const merged: MergedExperiment[] = [];
    for (const sources of experiments) merged.push(await copyExperiment(sources, target, signal, progress));
    progress.finish();
    return merged;
  } finally {
    for (const store of opened) store.close();
  }
}

function refuseOutputAmongInputs(files: readonly string[], output: string): void {
  if (!existsSync(output)) return;
  const path = realpathSync(output);
  const found = files.find((file) => existsSync(file) && realpathSync(file) === path);
  if (found === undefined) return;
  throw new FaultlineError('usage', `--output: ${output} is one of the databases to merge`, {
    hint: 'Leave it out of those: what the output holds stays, and the others are added to it.',
  });
}

/** The experiments to merge, as the first database has them. */
function chooseExperiments(stores: readonly Store[], name: string | undefined): Experiment[] {
  const [first, ...others] = stores;
  if (first === undefined) throw new FaultlineError('usage', 'there is no database to merge', { hint: 'Name at least one.' });
  // Throws for a database without any.
  for (const store of stores) chooseExperiment(store, name);
  const of = (store: Store): Experiment[] => (name === undefined ? store.experiments() : [chooseExperiment(store, name)]);
  const chosen = of(first);
  for (const other of others) {
    const there = of(other);
    const lacking = chosen.find(({ hash }) => there.every((each) => each.hash !== hash));
    const extra = there.find(({ hash }) => chosen.every((each) => each.hash !== hash));
    if (lacking === undefined && extra === undefined) continue;
    const reason =
      lacking !== undefined && extra !== undefined
        ? `holds another experiment than ${first.file}: ${difference(lacking, extra)}`
        : lacking !== undefined
          ? `lacks the experiment ${lacking.name}, which ${first.file} holds`
          : `holds the experiment ${extra!.name}, which ${first.file} does not`;
    throw new FaultlineError('input', reason, {
      place: { file: other.file },
      hint: 'Databases of one experiment are merged: name it with --experiment where they hold several.',
    });
  }
  return chosen;
}

/** Why two experiments have two hashes, in words. */
function difference(a: Experiment, b: Experiment): string {
  const [configA, configB] = [a, b].map(({ config }) => JSON.parse(config) as Record<string, unknown>) as [
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  for (const key of new Set([...Object.keys(configA), ...Object.keys(configB)])) {
    const shown = (config: Record<string, unknown>): string => (key in config ? JSON.stringify(config[key]) : 'nothing');
    if (shown(configA) !== shown(configB)) return `${key} is ${shown(configB)}, and ${shown(configA)} there`;
  }
  const files = [
    [isImported(a) && isImported(b) ? 'file of samples' : 'model', 'modelHash'],
    ['tokenizer', 'tokenizerHash'],
    ['problem file', 'problemsHash'],
  ] as const;
  const file = files.find(([, field]) => a[field] !== b[field]);
  return file === undefined ? 'their hashes differ' : `it has another ${file[0]}`;
}

/** Refuses what must not be put side by side, and rows of one sample that differ. */
async function checkAgreement(sources: readonly Source[], signal: AbortSignal): Promise<void> {
  // One that has not executed anything says nothing about Python and isolation: the others are compared with one that does.
  const first = sources.find(({ experiment }) => sandboxKnown(experiment)) ?? sources[0]!;
  for (const source of sources) {
    const found = mismatch(first.experiment, source.experiment);
    if (found === null) continue;
    throw new FaultlineError(
      'environment',
      `experiment ${first.experiment.name} was run with ${found.what} ${found.then} in ${first.file}, and ${found.now} in ${source.file}`,
      { hint: 'An experiment never mixes the two: make one of the databases again with what the other has.' },
    );
  }
  refuseOtherCategories(sources);
  const categories = new Map<string, { readonly judged: JudgedSample; readonly file: string }>();
  for (const taskId of taskIdsOf(sources)) {
    signal.throwIfAborted();
    await turn();
    const samples = new Map<string, { readonly sample: StoredSample; readonly source: Source }>();
    const verdicts = new Map<string, { readonly judged: JudgedSample; readonly source: Source }>();
    const texts = new Map<string, { readonly row: MeasuresRow; readonly source: Source }>();
    for (const source of sources) {
      for (const sample of source.store.samples(source.experiment.id, { taskId })) {
        const other = samples.get(keyOf(sample));
        if (other === undefined) {
          samples.set(keyOf(sample), { sample, source });
          continue;
        }
        const arraysOf = { a: () => tokensOf(other.source, sample), b: () => tokensOf(source, sample) };
        refuse(sample, sampleDifference(other.sample, sample, arraysOf), other.source.file, source);
      }
      for (const row of source.store.textMeasures(source.experiment.id, { taskId })) {
        const other = texts.get(keyOf(row));
        if (other === undefined) texts.set(keyOf(row), { row, source });
        else refuse(row, measuresDifference(other.row.measures, row.measures), other.source.file, source);
      }
      for (const judged of source.store.judgedSamples(source.experiment.id, { taskId })) {
        const other = verdicts.get(keyOf(judged));
        if (other !== undefined) refuse(judged, judgedDifference(other.judged, judged), other.source.file, source);
        if (other === undefined || weight(judged) > weight(other.judged)) verdicts.set(keyOf(judged), { judged, source });
        // A category is a row of its own: one config may have renamed what another has not.
        if (judged.categoryCode === null) continue;
        const known = categories.get(judged.categoryCode);
        if (known === undefined) categories.set(judged.categoryCode, { judged, file: source.file });
        else refuse(judged, categoryDifference(known.judged, judged), known.file, source);
      }
    }
  }
}

/** How much a row tells of its sample: nothing where it was not judged, the verdict alone where its problem's fault decided, else both. */
function weight({ verdict, outcome }: JudgedSample): number {
  if (verdict.outcome.status === 'infra') return 0;
  return outcome === 'infra' ? 1 : 2;
}

/** Marks belong to a problem, whatever experiment it is in: those of every one in the output are kept. */
function marksIn(file: string, store: Store | null): Source[] {
  return store === null ? [] : store.experiments().map((experiment) => ({ file, store, experiment }));
}

/** Refuses marks of one problem that differ. One that says why there are none gives way to another. */
function refuseOtherMarks(sources: readonly Source[]): void {
  const known = new Map<string, { readonly marks: AssertionMarks; readonly file: string }>();
  for (const { file, store, experiment } of sources) {
    const contents = new Map(store.problems(experiment.id).map((problem) => [problem.taskId, JSON.stringify({ ...problem, position: 0 })]));
    for (const marks of store.assertionMarks(experiment.id)) {
      if (marks.missing !== null) continue;
      const problem = contents.get(marks.taskId)!;
      const other = known.get(problem);
      if (other === undefined) {
        known.set(problem, { marks, file });
        continue;
      }
      const column = (['examples', 'total', 'visible'] as const).find((each) => !isDeepStrictEqual(other.marks[each], marks[each]));
      if (column === undefined) continue;
      throw new FaultlineError('input', `${marks.taskId}: assertion_marks.${column} differs from the one in ${other.file}`, {
        place: { file },
        hint: 'Nothing has been merged. The problem is the same, so one of the two was changed or is wrong: leave it out, or make it again.',
      });
    }
  }
}

/** Shards without a common sample would else count one failure in two ways, and nothing would show it. */
function refuseOtherCategories(sources: readonly Source[]): void {
  const known = sources.filter(({ experiment }) => experiment.categorySettings !== null);
  const other = known.find(({ experiment }) => experiment.categorySettings !== known[0]!.experiment.categorySettings);
  if (other === undefined) return;
  const { file, experiment } = known[0]!;
  throw new FaultlineError(
    'input',
    `categories of ${experiment.name} are counted as ${other.experiment.categorySettings!}, and as ${experiment.categorySettings!} in ${file}`,
    {
      place: { file: other.file },
      hint: `Nothing has been merged. ${decidingAgain(experiment)} on both databases with one config.`,
    },
  );
}

function decidingAgain(experiment: Experiment): string {
  return isImported(experiment) ? 'Repeat `faultline import`' : 'Run `faultline run --only classify`';
}

function refuse(key: SampleKey, column: string | null, there: string, { file, experiment }: Source): void {
  if (column === null) return;
  const decision = column.startsWith('classifications.') || column.startsWith('categories.');
  throw new FaultlineError(
    'input',
    `sample ${key.sampleIndex} of ${key.taskId} (strategy ${key.strategy}): ${column} differs from the one in ${there}`,
    {
      place: { file },
      hint: decision
        ? `Nothing has been merged. ${decidingAgain(experiment)} on both databases with one config and version: it decides stored verdicts again.`
        : 'Nothing has been merged. The experiment is the same, so one of the two was changed or is wrong: leave it out, or make it again.',
    },
  );
}

async function copyExperiment(
  sources: readonly Source[],
  target: Store,
  signal: AbortSignal,
  progress: Progress,
): Promise<MergedExperiment> {
  const first = sources[0]!.experiment;
  const shards: Shard[] = [];
  for (const { store, experiment } of sources) {
    for (const shard of store.workShards(experiment.id)) if (!shards.some((each) => sameShard(each, shard))) shards.push(shard);
  }
  const createdAt = sources.map(({ experiment }) => experiment.createdAt).sort()[0]!;
  let experiment = target.beginExperiment(first, shards, { createdAt });
  // A shard that has only been generated knows no Python yet.
  const executed = sources.find((source) => sandboxKnown(source.experiment));
  if (executed !== undefined) experiment = target.recordSandbox(experiment.id, executed.experiment);
  // Said of all decisions: one database that does not say leaves it unsaid.
  const decided = [{ store: target, experiment }, ...sources].filter((each) => each.store.counts(each.experiment.id).executed > 0);
  const settings = decided[0]?.experiment.categorySettings ?? null;
  const isSaid = decided.every((each) => each.experiment.categorySettings === settings);
  target.recordCategories(experiment.id, isSaid ? settings : null);
  // What is decided here stands beside those: as the ones that say it were.
  const said = decided.find((each) => each.experiment.categorySettings !== null)?.experiment.categorySettings ?? null;
  experiment = target.findExperiment(first.hash)!;
  mergeMachines(sources, target, experiment);
  target.addProblems(experiment.id, problemsOf(sources));
  for (const { store, experiment: from } of sources) target.addAssertionMarks(experiment.id, store.assertionMarks(from.id));

  const total = sources.reduce((sum, { store, experiment: { id } }) => sum + store.counts(id).samples, 0);
  const task = progress.task('merge', total, 0);
  for (const taskId of taskIdsOf(sources)) {
    for (const { store, experiment: from } of sources) {
      signal.throwIfAborted();
      await turn();
      const samples = [...store.samples(from.id, { taskId })];
      target.addSamples(
        experiment.id,
        samples.map((sample) => ({ ...sample, ...store.tokens(from.id, sample) })),
      );
      target.addExecutions(experiment.id, [...store.judgedSamples(from.id, { taskId })]);
      // What is there stays: zlib_ratio may differ, and of two the first is as good.
      const measured = new Set([...target.textMeasures(experiment.id, { taskId })].map(keyOf));
      target.putTextMeasures(
        experiment.id,
        [...store.textMeasures(from.id, { taskId })].filter((row) => !measured.has(keyOf(row))),
      );
      samples.forEach(() => {
        task.advance();
      });
    }
    settleDecisions(taskId, sources, target, experiment.id, said);
  }
  mergeNotes(sources, target, experiment);
  if (isComplete(target, experiment)) target.finishExperiment(experiment.id);
  const counts = target.counts(experiment.id);
  return {
    experiment: experiment.name,
    hash: experiment.hash,
    shards: target.workShards(experiment.id),
    samples: counts.samples,
    executed: counts.executed,
    whole: extentOf(target, experiment)?.whole ?? null,
  };
}

/**
 * Decides about a problem's samples as one run would have. A sample whose verdict says that the problem is at fault takes the others with it: another
 * database may have shown it. Where every such sample has come to another verdict since, those that it took with it get back what a source decided
 * about theirs; where none did, that is decided here, without the tokens of a failing place, which the experiment's next run adds.
 */
function settleDecisions(taskId: string, sources: readonly Source[], target: Store, id: number, categorySettings: string | null): void {
  const leftOut = [...target.judgedSamples(id, { taskId, outcome: 'infra' })].filter(
    ({ verdict }) => verdict.outcome.status !== 'unsupported',
  );
  if (leftOut.length === 0) return;
  const settings = JSON.parse(categorySettings ?? '{}') as Partial<ConfigValues>;
  const view = createCategoryView({ ...defaultValues(), ...settings }, CATEGORIES);
  const fault = faultyProblems(leftOut).get(taskId);
  if (fault !== undefined) {
    const decision = decide(fault, fault.verdict, view);
    const columns = toDecisionColumns(decision);
    const others = [...target.judgedSamples(id, { taskId })].filter((each) => !isDeepStrictEqual(toDecisionColumns(each), columns));
    target.replaceClassification(id, others.map((each) => ({ ...each, ...decision }))); // prettier-ignore
    return;
  }
  const rows = sources.flatMap(({ store, experiment }) => [...store.judgedSamples(experiment.id, { taskId })]);
  const own = new Map(rows.filter(({ outcome }) => outcome !== 'infra').map((row) => [keyOf(row), row]));
  target.replaceClassification(id, leftOut.map((each) => own.get(keyOf(each)) ?? { ...each, ...decide(each, each.verdict, view) })); // prettier-ignore
}

/** The run logs, and a line for each database: what it held and what drew its samples, as the output's row tells of one machine. */
function mergeNotes(sources: readonly Source[], target: Store, into: Experiment): void {
  const noted = new Set(target.notes(into.id).map(({ stage, text }) => JSON.stringify([stage, text])));
  for (const { file, store, experiment } of sources) {
    const held = describeShards(store.workShards(experiment.id));
    const text = `${held} from ${file}: ${describeDevice(experiment)}, faultline ${experiment.version}, calibration ${experiment.calibration}`;
    const lines = [...store.notes(experiment.id), { at: new Date().toISOString(), stage: 'merge', text }];
    for (const line of lines) {
      const key = JSON.stringify([line.stage, line.text]);
      if (noted.has(key)) continue;
      noted.add(key);
      target.addNote(into.id, line.stage, line.text, line.at);
    }
  }
}

/**
 * Every machine that took part, those of what the output holds first, also where an older version did not record which. To be called before results
 * are copied: after that the output's own cannot be told from theirs.
 */
function mergeMachines(sources: readonly Source[], target: Store, into: Experiment): void {
  for (const work of ['draw', 'execute'] as const) {
    for (const { store, experiment } of [{ store: target, experiment: into }, ...sources]) {
      const unrecorded = unrecordedMachine(store, experiment, work);
      const machines = unrecorded === null ? store.machines(experiment.id, work) : [unrecorded];
      for (const machine of machines) target.recordMachine(into.id, work, machine);
    }
  }
}

/** The experiment's problems; a run that was stopped early may not have recorded them. */
function problemsOf(sources: readonly Source[]): ProblemRow[] {
  for (const { store, experiment } of sources) {
    const problems = store.problems(experiment.id);
    if (problems.length > 0) return problems;
  }
  return [];
}

function taskIdsOf(sources: readonly Source[]): string[] {
  return problemsOf(sources).map(({ taskId }) => taskId);
}

function tokensOf({ store, experiment }: Source, key: SampleKey): ReturnType<Store['tokens']> {
  return store.tokens(experiment.id, key);
}

function keyOf({ strategy, taskId, sampleIndex }: SampleKey): string {
  return JSON.stringify([strategy, taskId, sampleIndex]);
}
