/** Drawing failures for people to label, from the store to the three files of a draw. What is drawn and shown is `reports/annotation/`'s. */
import { join } from 'node:path';
import type { ConfigValues } from '../config/schema.js';
import { FaultlineError, reasonOf } from '../errors.js';
import { makeFolders } from '../folders.js';
import { codebook } from '../reports/annotation/codebook.js';
import { drawFailures, leastRows, type DrawOptions, type Failure } from '../reports/annotation/draw.js';
import type { ShownFailure } from '../reports/annotation/facts.js';
import { writeSheets } from '../reports/annotation/sheet.js';
import { textDigest } from '../reports/text-digest.js';
import { Store } from '../store/store.js';
import type { Experiment } from '../store/types.js';
import { CATEGORIES } from '../taxonomy/categories.js';
import { classify } from '../taxonomy/classify.js';
import { databasePath } from './inputs.js';
import { keepFiles } from './keep-files.js';
import { through, type Progress } from './progress.js';
import { chooseExperiment, outputFolder } from './report.js';
import { readIfThere, writeWhole } from './sheet-files.js';

export const DRAW_FILES = { blind: 'blind.csv', key: 'key.csv', codebook: 'codebook.md' } as const;

export interface DrawRequest extends DrawOptions {
  /** The newest without a name. */
  readonly experiment: string | undefined;
  /** Folder of the three files; default: `annotation` in the experiment's outputs. */
  readonly output: string | undefined;
}

export interface Draw {
  readonly experiment: Experiment;
  /** Digest. */
  readonly draw: string;
  readonly rows: number;
  /** Leaves that have failures. */
  readonly leaves: number;
  /** All failures of the experiment. */
  readonly failures: number;
  /** Failures that the database has under another category: one of the config's own, or of an older version's rules. */
  readonly otherwiseStored: number;
  readonly files: Readonly<Record<keyof typeof DRAW_FILES, string>>;
}

/**
 * Draws from the failures of a stored experiment and writes sheet, key and codebook. The leaves are those of the tree, decided by the
 * present rules from the stored verdicts: what a config renames, merges or adds is no leaf that the codebook could define.
 *
 * Throws `input` where nothing failed, `usage` where there are more leaves than rows, `output` where other files stand in the way: a sheet may
 * hold labels already.
 */
export async function drawStored(values: ConfigValues, request: DrawRequest, progress?: Progress): Promise<Draw> {
  using store = Store.open(databasePath(values), { readonly: true });
  const experiment = chooseExperiment(store, request.experiment);
  const { failures, otherwiseStored } = failuresOf(store, experiment, progress);
  if (failures.length === 0) {
    throw new FaultlineError('input', `${experiment.name} has no judged failures`, {
      place: { file: store.file },
      hint: 'Run the experiment to its end first, or choose another one with --experiment.',
    });
  }
  const order = CATEGORIES.map(({ code }) => code);
  const least = leastRows(failures, order, request.floor);
  if (request.count < least) {
    throw new FaultlineError('usage', `--n ${request.count} is too few: ${request.floor} for each leaf come to ${least}`, {
      hint: `Give --n ${least} or more, or a smaller --floor.`,
    });
  }
  const tests = new Map(store.problems(experiment.id).map(({ taskId, test }) => [taskId, test]));
  const drawn = drawFailures(failures, order, request).map(({ failure, ...row }) => ({
    ...row,
    failure: { ...failure, ...shown(store, experiment, tests, failure) },
  }));
  const { draw, blind, key } = writeSheets(experiment, request, drawn, CATEGORIES);
  const folder = request.output ?? join(outputFolder(store, values, experiment), 'annotation');
  const files = {
    blind: join(folder, DRAW_FILES.blind),
    key: join(folder, DRAW_FILES.key),
    codebook: join(folder, DRAW_FILES.codebook),
  };
  for (const file of Object.values(files)) keepFiles(file, { database: store.file, hint: 'Choose another folder with --output.' });
  await writeAll(folder, [
    [files.codebook, codebook(CATEGORIES)],
    [files.key, key],
    [files.blind, blind],
  ]);
  const leaves = new Set(failures.map(({ code }) => code)).size;
  return { experiment, draw, rows: drawn.length, leaves, failures: failures.length, otherwiseStored, files };
}

/** All failures, without their texts: there may be hundreds of thousands. */
function failuresOf(
  store: Store,
  experiment: Experiment,
  progress: Progress | undefined,
): { failures: Failure[]; otherwiseStored: number } {
  const failures: Failure[] = [];
  let otherwiseStored = 0;
  const { samples } = store.counts(experiment.id);
  for (const sample of through(progress, 'samples', samples, store.judgedSamples(experiment.id))) {
    const { category, outcome } = classify(sample);
    // A fault of the problem decided about some that have a verdict of their own: they are in no rate, and no failures.
    if (category === null || outcome === 'pass' || outcome === 'infra' || sample.outcome === 'infra') continue;
    if (category.code !== sample.categoryCode) otherwiseStored++;
    const { strategy, taskId, sampleIndex, completion } = sample;
    failures.push({ strategy, taskId, sampleIndex, completion: textDigest(completion), code: category.code });
  }
  return { failures, otherwiseStored };
}

/** What people see of a drawn failure. */
function shown(
  store: Store,
  experiment: Experiment,
  tests: ReadonlyMap<string, string>,
  { strategy, taskId, sampleIndex }: Failure,
): ShownFailure {
  const test = tests.get(taskId);
  const [sample] = store.judgedSamples(experiment.id, { strategy, taskId, sampleIndex });
  if (test === undefined || sample === undefined) {
    throw new FaultlineError('internal', `the experiment has no sample ${sampleIndex} of ${taskId}`);
  }
  return { sample, test };
}

/** Writes all files; none where any is there with another content. */
async function writeAll(folder: string, files: readonly (readonly [file: string, text: string])[]): Promise<void> {
  for (const [file, text] of files) {
    const there = await readIfThere(file);
    if (there !== null && there !== text) {
      throw new FaultlineError('output', 'is there already, with another content', {
        place: { file },
        hint: 'It may hold labels, so that it is never replaced: choose another folder with --output, or move it away.',
      });
    }
  }
  try {
    makeFolders(folder);
  } catch (thrown) {
    throw new FaultlineError('output', `the folder cannot be created: ${reasonOf(thrown)}`, {
      place: { file: folder },
      hint: 'Choose another one with --output.',
      cause: thrown,
    });
  }
  for (const [file, text] of files) await writeWhole(file, text);
}
