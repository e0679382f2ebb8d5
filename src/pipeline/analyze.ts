/** What can be said about experiments that are stored: reads the database, and changes nothing in it. */
import type { ConfigValues } from '../config/schema.js';
import { AtomicFile } from '../datasets/atomic-file.js';
import { questionOf } from '../datasets/problem.js';
import { FaultlineError } from '../errors.js';
import { analysisSteps, positionBootstrap, type Analysis } from '../reports/analysis/analysis.js';
import { bySettingSteps, type BySetting } from '../reports/analysis/by-setting.js';
import { temperatureOf } from '../reports/analysis/distribution.js';
import { divergenceSteps, unknownDivergence, type FirstDivergence } from '../reports/analysis/first-divergence.js';
import { AnalysisRows } from '../reports/analysis/rows.js';
import { analysisJson } from '../reports/render/analysis-json.js';
import type { ReportData } from '../reports/report-data.js';
import { finish, type Steps } from '../reports/steps.js';
import { Store } from '../store/store.js';
import type { Experiment } from '../store/types.js';
import { differingSettings, drawsOf, settingOf } from './comparable.js';
import { databasePath } from './inputs.js';
import { keepFiles } from './keep-files.js';
import { through, type Progress } from './progress.js';
import { checkOutputs, chooseExperiment, nameWithHash, outputFolder, summariseExperiment, writeOutputs } from './report.js';
import { inTurns } from './turns.js';

/** The numbers of one experiment, and the analyses that go further; the newest without a name. */
export function analyzeStored(values: ConfigValues, nameOrHash: string | undefined, progress?: Progress): Analysis {
  using store = Store.open(databasePath(values), { readonly: true });
  return analyzeExperiment(store, chooseExperiment(store, nameOrHash), progress);
}

/**
 * Several experiments of one database, compared by their settings: the analysis of the first, and the comparison beside it.
 * Throws `input` for one that is not there, and `usage` for one that is named twice.
 */
export function analyzeBySetting(values: ConfigValues, names: readonly string[], progress?: Progress): SettingAnalysis {
  using store = Store.open(databasePath(values), { readonly: true });
  return finish(settingSteps(store, names, progress), progress?.onStep());
}

export type SettingAnalysis = Analysis & { readonly bySetting: BySetting };

/** The same, leaving the event loop its turns. Rejects with the signal's reason when that is aborted. */
export async function analyzeBySettingInTurns(
  values: ConfigValues,
  names: readonly string[],
  signal: AbortSignal,
  progress?: Progress,
): Promise<SettingAnalysis> {
  using store = Store.open(databasePath(values), { readonly: true });
  return await inTurns(settingSteps(store, names, progress), signal, progress?.onStep());
}

function* settingSteps(store: Store, names: readonly string[], progress: Progress | undefined): Steps<SettingAnalysis> {
  const experiments = names.map((name) => chooseExperiment(store, name));
  const twice = experiments.findIndex(({ id }, i) => experiments.findIndex((other) => other.id === id) < i);
  if (twice >= 0) {
    throw new FaultlineError('usage', `--experiment names ${experiments[twice]!.name} twice: ${names.join(', ')}`, {
      hint: 'Name each experiment once; of several with one name, the hash tells which.',
    });
  }
  const isShared = ({ name }: Experiment): boolean => experiments.filter((other) => other.name === name).length > 1;
  const compared = yield* bySettingSteps(
    experiments.map((experiment) => ({
      label: isShared(experiment) ? nameWithHash(experiment) : experiment.name,
      hash: experiment.hash,
      temperature: temperatureOf((key) => settingOf(experiment, key)),
      questions: new Map(store.problems(experiment.id).map((problem) => [problem.taskId, questionOf(problem)])),
      draws: drawsOf(experiment),
      marks: store.assertionMarks(experiment.id),
      samples: through(progress, `samples of ${experiment.name}`, null, store.judgedSamples(experiment.id)),
    })),
    differingSettings(experiments).filter(({ key }) => key !== 'experiment'),
  );
  return { ...(yield* analyzeSteps(store, experiments[0]!, progress)), bySetting: compared };
}

function analyzeExperiment(store: Store, experiment: Experiment, progress: Progress | undefined): Analysis {
  return finish(analyzeSteps(store, experiment, progress), progress?.onStep());
}

/** In steps, none longer than an interval takes. */
function* analyzeSteps(store: Store, experiment: Experiment, progress: Progress | undefined): Steps<Analysis> {
  const marks = store.assertionMarks(experiment.id);
  const rows = new AnalysisRows(marks);
  const report = yield* summariseExperiment(store, experiment, (samples) => rows.through(samples), progress);
  const firstDivergence = yield* divergenceOf(store, experiment, report);
  return yield* analysisSteps(report, { rows, marks, firstDivergence });
}

/**
 * What a report's files are made from: the numbers with the analyses among them. Leaves the event loop its turns, so that Ctrl-C is heard.
 * Rejects with the signal's reason when that is aborted.
 */
export async function reportWithAnalyses(
  store: Store,
  experiment: Experiment,
  signal: AbortSignal,
  progress?: Progress,
): Promise<ReportData> {
  const { report, ...analyses } = await inTurns(analyzeSteps(store, experiment, progress), signal, progress?.onStep());
  return { ...report, analyses };
}

/**
 * Writes an analysis as JSON. The file appears whole or not at all, and replaces an older one; never a database, nor what is plainly no text.
 * Returns its name. Throws `usage` and `output`.
 */
export async function writeAnalysis(values: ConfigValues, analysis: Analysis, file: string): Promise<string> {
  keepFiles(file, { database: databasePath(values), hint: 'Give --output another name.' });
  const output = await AtomicFile.open(file);
  try {
    await output.write(`${JSON.stringify(analysisJson(analysis), null, 2)}\n`);
    await output.commit();
  } finally {
    await output.abort();
  }
  return file;
}

/** A database that was moved without its files of tokens still tells all the rest. */
function* divergenceOf(store: Store, { id }: Experiment, { intervals }: ReportData): Steps<FirstDivergence> {
  try {
    return yield* divergenceSteps(store.judgedTokens(id), positionBootstrap(intervals));
  } catch (thrown) {
    if (!(thrown instanceof FaultlineError) || thrown.kind !== 'input') throw thrown;
    return unknownDivergence(thrown.message);
  }
}

/**
 * Writes the report and the samples of one experiment into its folder (`outputFolder`); the newest without a name. Rejects with the signal's
 * reason when that is aborted; each file is then as it was, or new and whole.
 */
export async function reportStored(
  values: ConfigValues,
  nameOrHash: string | undefined,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress?: Progress },
): Promise<{ report: ReportData; directory: string; files: readonly string[] }> {
  using store = Store.open(databasePath(values), { readonly: true });
  const experiment = chooseExperiment(store, nameOrHash);
  const directory = outputFolder(store, values, experiment);
  await checkOutputs(directory, store.file);
  const data = await reportWithAnalyses(store, experiment, signal, progress);
  return { report: data, directory, files: await writeOutputs(store, experiment, { data, directory, signal, progress }) };
}
