/** The report stage: from the store's rows to the summary and the files of `outputs/<experiment>/`. Counts nothing itself. */
import { join } from 'node:path';
import type { ConfigValues } from '../config/schema.js';
import { showShard } from '../config/shard.js';
import { AtomicFile, removeAbandoned } from '../datasets/atomic-file.js';
import { questionDigest } from '../datasets/problem.js';
import { FaultlineError, reasonOf } from '../errors.js';
import { makeFolders } from '../folders.js';
import type { ReportData } from '../reports/report-data.js';
import type { Steps } from '../reports/steps.js';
import { summarySteps } from '../reports/summary.js';
import type { Store } from '../store/store.js';
import type { Experiment, JudgedSample, SampleKey } from '../store/types.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { version } from './bundled.js';
import { deviceAndFamily } from './device.js';
import { keepFiles } from './keep-files.js';
import { refuseInputs } from './partial-file.js';
import { through, type Progress } from './progress.js';
import { resultFields } from './result-fields.js';
import { pauses } from './turns.js';
import { extentOf } from './work-shards.js';

/** The experiment that a name, a hash or a hash's beginning means; without one, the newest. Throws `input` if there is none. */
export function chooseExperiment(store: Store, nameOrHash: string | undefined): Experiment {
  const all = store.experiments();
  const found = nameOrHash === undefined ? all.at(-1) : store.findExperiment(nameOrHash);
  if (found !== undefined && found !== null) return found;
  const known = [...new Set(all.map(({ name }) => name))].join(', ');
  const reason = nameOrHash === undefined ? 'holds no experiment' : `holds no experiment ${nameOrHash}`;
  throw new FaultlineError('input', reason, {
    place: { file: store.file },
    hint: known === '' ? 'Make one with `faultline run`.' : `There are: ${known}.`,
  });
}

/** Everything a report says about an experiment, from its judged samples, which go by `tap`. In steps. */
export function summariseExperiment(
  store: Store,
  experiment: Experiment,
  tap: (samples: Iterable<JudgedSample>) => Iterable<JudgedSample>,
  progress: Progress | undefined,
): Steps<ReportData> {
  const extent = extentOf(store, experiment);
  const whole = extent && {
    samples: extent.whole,
    problems: store.problems(experiment.id).length,
    shards: extent.held === extent.whole ? [] : extent.shards.map(showShard),
  };
  const { samples } = store.counts(experiment.id);
  return summarySteps(experiment, tap(through(progress, 'samples', samples, store.judgedSamples(experiment.id))), {
    categories: CATEGORIES,
    software: { faultline: version(), node: process.versions.node },
    otherMachines: otherMachines(store, experiment),
    machines: { draw: store.machines(experiment.id, 'draw'), execute: store.machines(experiment.id, 'execute') },
    texts: through(progress, 'texts', samples, store.measuredSamples(experiment.id)),
    ...(whole === null ? {} : { whole }),
  });
}

/** What the run log says of machines and versions that the experiment's row does not tell of: it tells where the experiment began. */
function otherMachines(store: Store, experiment: Experiment): string[] {
  const told = [deviceAndFamily(experiment), `, faultline ${experiment.version}, `];
  return store
    .notes(experiment.id)
    .filter(({ stage, text }) => stage === 'generate' || (stage === 'merge' && !told.every((part) => text.includes(part))))
    .map(({ text }) => text);
}

/** Digits of its hash that tell an experiment from others of its name. */
const HASH_DIGITS = 12;

/**
 * Where an experiment's report and samples go: `<outputs.directory>/<name>/` for the newest of that name, and for one that is yet to begin;
 * `<outputs.directory>/<name>@<beginning of its hash>/` for an older one, so that neither replaces the other's. No name has an `@`.
 */
export function outputFolder(store: Store, values: ConfigValues, { name, hash }: Pick<Experiment, 'name' | 'hash'>): string {
  const named = store.experiments().filter((each) => each.name === name);
  const isOlder = named.slice(0, -1).some((each) => each.hash === hash);
  return join(values['outputs.directory'], isOlder ? nameWithHash({ name, hash }) : name);
}

/** What tells an experiment from others of its name. */
export function nameWithHash({ name, hash }: Pick<Experiment, 'name' | 'hash'>): string {
  return `${name}@${hash.slice(0, HASH_DIGITS)}`;
}

/** Creates the folder of an experiment's outputs, and clears away what a killed run left there half written. Throws `output` when that, or writing into it, is impossible. */
export async function prepareOutputs(directory: string): Promise<void> {
  try {
    makeFolders(directory);
  } catch (thrown) {
    throw new FaultlineError('output', `the folder cannot be created: ${reasonOf(thrown)}`, {
      place: { file: directory },
      hint: 'Choose another one with --outputs.',
      cause: thrown,
    });
  }
  await removeAbandoned(directory);
  await (await AtomicFile.open(join(directory, 'report.html'))).abort();
}

/**
 * Finds out, writing nothing, whether every file of a report may be put into its folder: before hours of work, not after them.
 * @param inputs other files that the command reads
 * @throws FaultlineError: `usage` where one would replace a database, a file of another kind or an input, `output` where a folder is in its place
 */
export async function checkOutputs(directory: string, database: string, inputs: readonly string[] = []): Promise<void> {
  const { checkPlaces, REPORT_FILES } = await import('../reports/write-report.js');
  const names = [...REPORT_FILES, ...SAMPLE_FILES];
  for (const name of names) {
    const place = join(directory, name);
    refuseReplaced(place, database);
    refuseInputs(place, inputs, 'Choose another folder with --outputs, or another name with --experiment.');
  }
  await checkPlaces(directory, names);
}

function refuseReplaced(place: string, database: string): void {
  keepFiles(place, { database, hint: 'Choose another folder with --outputs, or give the file that is there another name.' });
}

export interface OutputOptions {
  readonly data: ReportData;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly progress?: Progress | undefined;
}

/**
 * Writes report and samples of an experiment; returns the paths. Each file appears whole or not at all, and none in the place of a database.
 * Rejects with the signal's reason when that is aborted: report and samples are then all as they were. The two files of samples are written beside
 * their places first, and take these right after the report has taken its own, with no pause between.
 */
export async function writeOutputs(
  store: Store,
  experiment: Experiment,
  { data, directory, signal, progress }: OutputOptions,
): Promise<string[]> {
  await checkOutputs(directory, store.file);
  await prepareOutputs(directory);
  // Loaded here because the plotting library takes longer to load than most commands take.
  const { writeReport } = await import('../reports/write-report.js');
  const pause = pauses(signal);
  const { samples: total } = store.counts(experiment.id);
  const staged = await stageSamples(store, experiment, { directory, total, pause, progress });
  try {
    const samples = through(progress, 'samples.csv', total, store.judgedSamples(experiment.id));
    const check = (place: string): void => {
      refuseReplaced(place, store.file);
    };
    const written = await writeReport(directory, data, { samples, check, pause });
    for (const file of staged) await file.commit();
    return [...written, ...SAMPLE_FILES.map((name) => join(directory, name))];
  } finally {
    for (const file of staged) await file.abort();
  }
}

const SAMPLE_FILES = ['samples.jsonl', 'samples.jsonl_results.jsonl'] as const;

/**
 * Writes the samples and their results in HumanEval's layout and names, whole and on disk, beside their places: the caller commits or aborts them.
 * The store lists both in one order, so that they are read side by side and no more than a problem's are in memory.
 */
async function stageSamples(
  store: Store,
  experiment: Experiment,
  {
    directory,
    total,
    pause,
    progress,
  }: Pick<OutputOptions, 'directory' | 'progress'> & { readonly total: number; readonly pause: () => Promise<void> },
): Promise<readonly AtomicFile[]> {
  const staged: AtomicFile[] = [];
  try {
    for (const name of SAMPLE_FILES) staged.push(await AtomicFile.open(join(directory, name)));
    const [samples, results] = staged as [AtomicFile, AtomicFile];
    const digests = new Map(store.problems(experiment.id).map((problem) => [problem.taskId, questionDigest(problem)]));
    const judged = store.judgedSamples(experiment.id)[Symbol.iterator]();
    let next = judged.next();
    for (const sample of through(progress, SAMPLE_FILES[0], total, store.samples(experiment.id))) {
      const line = {
        task_id: sample.taskId,
        completion: sample.completion,
        sample_index: sample.sampleIndex,
        finish_reason: sample.finishReason,
        seed: seedField(sample.seed),
        problem_digest: digests.get(sample.taskId),
        ...(sample.error === null ? {} : { error: sample.error }),
      };
      await samples.writeLine(line);
      await pause();
      if (next.done === true || !isSameSample(next.value, sample)) continue;
      await results.writeLine({ ...line, ...resultFields(next.value.verdict, next.value) });
      next = judged.next();
    }
    if (next.done !== true)
      throw new FaultlineError(
        'internal',
        `sample ${next.value.sampleIndex} of ${next.value.taskId} has a verdict and is not among the samples`,
      );
    for (const file of staged) await file.sync();
    return staged;
  } catch (thrown) {
    for (const file of staged) await file.abort();
    throw thrown;
  }
}

function isSameSample(a: SampleKey, b: SampleKey): boolean {
  return a.sampleIndex === b.sampleIndex && a.taskId === b.taskId && a.strategy === b.strategy;
}

/** A 64-bit seed as JSON: a number where every reader keeps all its digits, else decimal text. */
export function seedField(seed: string | bigint): number | string {
  const value = BigInt(seed);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}
