/**
 * The report's files. Everything is rendered before anything is written, written beside its place before anything is replaced: a
 * reader sees the old report or the new one, and a full disk leaves the old one.
 */
import { lstat, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryName } from '../datasets/atomic-file.js';
import { FaultlineError, reasonOf } from '../errors.js';
import { makeFolders } from '../folders.js';
import type { JudgedSample } from '../store/types.js';
import { samplesCsv } from './render/csv.js';
import { renderHtml } from './render/html.js';
import { reportJson } from './render/json.js';
import { methodsLatex, methodsText } from './render/methods.js';
import { figurePdf } from './render/pdf.js';
import { drawPlots } from './render/plots/index.js';
import { PLOT_NAMES, standalone, type Plot } from './render/plots/render.js';
import { TABLES } from './render/tables/index.js';
import type { ReportData } from './report-data.js';

export interface WriteOptions {
  /** The samples of `data`, for `samples.csv`; without them that file is not written. Read once, line by line. */
  readonly samples?: Iterable<JudgedSample>;
  /** Told of each place that is to be replaced or removed, before any is; throws for one that must stay. */
  readonly check?: (place: string) => void;
  /** Awaited between two figures and files, and between two pieces of a long one, until the first file is replaced: by throwing it stops all. */
  readonly pause?: () => Promise<void>;
}

type Content = Iterable<string | Uint8Array>;

const FIGURE_FILES: readonly string[] = PLOT_NAMES.flatMap((name) => [`figures/${name}.svg`, `figures/${name}.pdf`]);

/** Whatever a report may write or remove, as paths within its folder. */
export const REPORT_FILES: readonly string[] = [
  'report.html',
  'report.json',
  'methods.txt',
  'samples.csv',
  'tables/methods.tex',
  ...TABLES.flatMap(({ name }) => [`tables/${name}.csv`, `tables/${name}.tex`]),
  ...FIGURE_FILES,
];

/**
 * Writes report.html, report.json, methods.txt, each figure as SVG and PDF into `figures/` and each table as CSV and LaTeX, and the methods paragraph, into `tables/` below
 * `directory`, which is created. A figure that there is nothing to draw of is removed where an earlier report left one.
 * The analyses are on the page and in the tables where `data` has them.
 * @returns the paths, report.html first
 * @throws what `check` and `pause` throw, with nothing changed; FaultlineError kind `output` when the folder or a file in it cannot be written; then nothing has changed there, unless the
 *   file system failed between two renames
 */
export async function writeReport(directory: string, data: ReportData, options: WriteOptions = {}): Promise<string[]> {
  const { pause = () => Promise.resolve() } = options;
  const plots = await drawPlots(data, pause);
  const files = new Map<string, Content>([
    ['report.html', [renderHtml(data, plots)]],
    ['report.json', [`${JSON.stringify(reportJson(data), null, 2)}\n`]],
  ]);
  files.set('methods.txt', [methodsText(data)]);
  files.set('tables/methods.tex', [methodsLatex(data)]);
  for (const table of TABLES) {
    files.set(`tables/${table.name}.csv`, [table.csv(data)]);
    files.set(`tables/${table.name}.tex`, [table.latex(data)]);
    await pause();
  }
  if (options.samples !== undefined) files.set('samples.csv', samplesCsv(options.samples));
  for (const plot of Object.values<Plot | null>({ ...plots })) {
    if (plot === null) continue;
    const svg = standalone(plot);
    files.set(`figures/${plot.name}.svg`, [svg]);
    files.set(`figures/${plot.name}.pdf`, [await figurePdf(svg, plot.description)]);
    await pause();
  }
  const gone = FIGURE_FILES.filter((name) => !files.has(name));
  for (const name of [...files.keys(), ...gone]) options.check?.(join(directory, name));
  return replaceAll(directory, files, { gone, pause });
}

/**
 * Writes files below a folder, which is created, so that all of them appear or none.
 * @param files what is to be there, by path within the folder
 * @param gone what must not be there afterwards
 * @param pause is waited for between two files, until the first of them appears; where it rejects, none does
 * @returns the paths
 * @throws FaultlineError kind `output`, as {@link writeReport}
 */
export async function replaceAll(
  directory: string,
  files: ReadonlyMap<string, Content>,
  { gone = [], pause = () => Promise.resolve() }: { readonly gone?: readonly string[]; readonly pause?: () => Promise<void> } = {},
): Promise<string[]> {
  let staging: string | null = null;
  const stop = { asked: false };
  const step = async (): Promise<void> => {
    await pause().catch((reason: unknown) => {
      stop.asked = true;
      throw reason;
    });
  };
  let place = directory;
  const folders = foldersOf(files.keys());
  try {
    makeFolders(directory);
    await checkPlaces(directory, files.keys());
    // In the same folder, because a rename does not cross file systems.
    staging = temporaryName(join(directory, 'report'));
    makeFolders(staging);
    for (const name of folders) makeFolders(join(staging, name));
    for (const [name, chunks] of files) {
      place = join(directory, name);
      await step();
      await writeSynced(join(staging, name), chunks, step);
    }
    // From here on to the end: a reader is to find files of one report.
    await step();
    for (const name of folders) {
      place = join(directory, name);
      makeFolders(place);
    }
    const paths = [];
    for (const name of files.keys()) {
      place = join(directory, name);
      await rename(join(staging, name), place);
      paths.push(place);
    }
    for (const name of gone) {
      place = join(directory, name);
      await rm(place, { force: true });
    }
    return paths;
  } catch (thrown) {
    if (thrown instanceof FaultlineError || stop.asked) throw thrown;
    throw cannotWrite(place, thrown);
  } finally {
    if (staging !== null) await rm(staging, { recursive: true, force: true });
  }
}

/**
 * Whether files of these names could be put into a folder, as far as can be told without writing: nothing stands in the place of a folder, and no
 * folder in the place of a file. Throws as {@link writeReport} where they could not.
 */
export async function checkPlaces(directory: string, names: Iterable<string>): Promise<void> {
  const files = [...names];
  const check = async (place: string, look: typeof lstat, wrong: 'folder' | 'other', reason: string): Promise<void> => {
    const kind = await kindOf(look, place).catch((thrown: unknown) => {
      throw cannotWrite(place, thrown);
    });
    if (kind === wrong) throw cannotWrite(place, new Error(reason));
  };
  for (const name of foldersOf(files)) await check(join(directory, name), stat, 'other', 'is not a folder');
  // A rename onto a folder fails, and would do so after others have succeeded.
  for (const name of files) await check(join(directory, name), lstat, 'folder', 'is a folder');
}

function foldersOf(names: Iterable<string>): string[] {
  return [...new Set([...names].map(dirname))].filter((folder) => folder !== '.');
}

function cannotWrite(place: string, thrown: unknown): FaultlineError {
  return new FaultlineError('output', `cannot write the report: ${reasonOf(thrown)}`, {
    place: { file: place },
    hint: 'Free the place or choose another output folder.',
    cause: thrown,
  });
}

/** `look` follows links, as one to a folder is a folder to write into, or does not, as a rename replaces one to a file. */
async function kindOf(look: typeof lstat, path: string): Promise<'folder' | 'other' | 'nothing'> {
  try {
    return (await look(path)).isDirectory() ? 'folder' : 'other';
  } catch (thrown) {
    // ENOTDIR: what stands above it is refused by its own name.
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return 'nothing';
    throw thrown;
  }
}

/** On disk before it is renamed: otherwise a power cut could leave a renamed file without its content. */
async function writeSynced(path: string, chunks: Content, step: () => Promise<void>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    let pending = '';
    for (const chunk of chunks) {
      await step();
      if (typeof chunk !== 'string') {
        await file.writeFile(pending);
        await file.writeFile(chunk);
        pending = '';
        continue;
      }
      pending += chunk;
      if (pending.length >= 1 << 20) {
        await file.writeFile(pending);
        pending = '';
      }
    }
    await file.writeFile(pending);
    await file.sync();
  } finally {
    await file.close();
  }
}
