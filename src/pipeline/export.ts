/** Samples of a stored experiment as a file that other programs read. Reads the database, and changes nothing in it. */
import type { ConfigValues } from '../config/schema.js';
import { AtomicFile } from '../datasets/atomic-file.js';
import { questionDigest } from '../datasets/problem.js';
import { FaultlineError } from '../errors.js';
import { EXPORT_FORMATS } from '../reports/export/index.js';
import { Store } from '../store/store.js';
import { databasePath } from './inputs.js';
import { stopped } from './interrupt.js';
import { keepFiles } from './keep-files.js';
import { through, type Progress } from './progress.js';
import { chooseExperiment } from './report.js';

export interface ExportOptions {
  /** The newest without a name. */
  readonly experiment: string | undefined;
  /** Name of a format. */
  readonly format: string;
  /** Default: `<experiment>.<format's extension>` in the working folder. */
  readonly output: string | undefined;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/**
 * Writes the file, whole or not at all; says where it is and how many samples it holds. A few rows are in memory at a time, whatever there are
 * in all. Throws `usage` for a format that there is not, and for an output that would replace a database or a file of another kind; `interrupted`
 * when the signal is aborted, and nothing is left then.
 */
export async function exportStored(values: ConfigValues, options: ExportOptions): Promise<{ file: string; samples: number }> {
  const format = EXPORT_FORMATS.find(({ name }) => name === options.format);
  if (format === undefined) {
    throw new FaultlineError('usage', `there is no format ${options.format}`, {
      hint: `There are: ${EXPORT_FORMATS.map(({ name }) => name).join(', ')}.`,
    });
  }
  using store = Store.open(databasePath(values), { readonly: true });
  const experiment = chooseExperiment(store, options.experiment);
  const name = options.output ?? `${experiment.name}.${format.extension}`;
  keepFiles(name, { database: store.file, own: format.kind ?? null, hint: 'Give --output another name.' });
  const problems = new Map(
    store.problems(experiment.id).map((problem) => [problem.taskId, { prompt: problem.prompt, digest: questionDigest(problem) }]),
  );
  const isIndexed = store.strategies(experiment.id).length <= 1;
  const { signal, progress } = options;
  const { samples: total } = store.counts(experiment.id);
  /** Signals come while the file is written to, which every format does every few thousand rows. */
  function* watched<T>(rows: Iterable<T>): Generator<T> {
    for (const row of through(progress, 'export', total, rows)) {
      if (signal.aborted) throw stopped(signal.reason);
      yield row;
    }
  }
  const file = await AtomicFile.open(name);
  try {
    const samples = await format.write(
      {
        samples: () => watched(store.samples(experiment.id)),
        judged: () => watched(store.judgedSamples(experiment.id)),
        problemsHash: experiment.problemsHash,
        index: ({ sampleIndex }) => (isIndexed ? { sample_index: sampleIndex } : {}),
        tokenPlaces: () => watched(store.tokenPlaces(experiment.id)),
        problem(taskId) {
          const problem = problems.get(taskId);
          if (problem === undefined) throw new FaultlineError('internal', `the experiment has no problem ${taskId}`);
          return problem;
        },
      },
      (piece) => (typeof piece === 'string' ? file.write(piece) : file.writeBytes(piece)),
    );
    await file.commit();
    return { file: file.path, samples };
  } finally {
    await file.abort();
  }
}
