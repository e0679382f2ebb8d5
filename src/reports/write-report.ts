/**
 * The report's files. Everything is rendered before anything is written, written beside its place before anything is replaced: a
 * reader sees the old report or the new one, and a full disk leaves the old one.
 */
import { lstat, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultlineError, reasonOf } from '../errors.js';
import { makeFolders } from '../folders.js';
import type { JudgedSample } from '../store/types.js';
import { categoriesCsv, outcomesCsv, passAtKCsv, problemsCsv, samplesCsv, textViewCsv } from './render/csv.js';
import { renderHtml } from './render/html.js';
import { reportJson } from './render/json.js';
import { drawPlots } from './render/plots/index.js';
import { standalone } from './render/plots/render.js';
import type { ReportData } from './report-data.js';

export interface WriteOptions {
  /** The samples of `data`, for `samples.csv`; without them that file is not written. Read once, line by line. */
  readonly samples?: Iterable<JudgedSample>;
}

/**
 * Writes report.html, report.json, the CSV tables and the plots as SVG into `directory`, which is created.
 * @returns the paths, report.html first
 * @throws FaultlineError kind `output` when the folder or a file in it cannot be written; then nothing has changed there, unless the
 *   file system failed between two renames
 */
export async function writeReport(directory: string, data: ReportData, options: WriteOptions = {}): Promise<string[]> {
  const plots = await drawPlots(data);
  const files = new Map<string, Iterable<string>>([
    ['report.html', [renderHtml(data, plots)]],
    ['report.json', [`${JSON.stringify(reportJson(data), null, 2)}\n`]],
    ['categories.csv', [categoriesCsv(data)]],
    ['outcomes.csv', [outcomesCsv(data)]],
    ['pass-at-k.csv', [passAtKCsv(data)]],
    ['problems.csv', [problemsCsv(data)]],
    ['text_view.csv', [textViewCsv(data)]],
  ]);
  if (options.samples !== undefined) files.set('samples.csv', samplesCsv(options.samples));
  for (const plot of [plots.categories, plots.problems, plots.passAtK]) {
    if (plot !== null) files.set(`${plot.name}.svg`, [standalone(plot)]);
  }
  return replaceAll(directory, files);
}

async function replaceAll(directory: string, files: ReadonlyMap<string, Iterable<string>>): Promise<string[]> {
  let staging: string | null = null;
  let place = directory;
  try {
    makeFolders(directory);
    for (const name of files.keys()) {
      place = join(directory, name);
      // A rename onto a folder fails, and would do so after others have succeeded.
      if (await isFolder(place)) throw new Error('is a folder');
    }
    place = directory;
    // In the same folder, because a rename does not cross file systems.
    staging = await mkdtemp(join(directory, '.report-'));
    for (const [name, chunks] of files) {
      place = join(directory, name);
      await writeSynced(join(staging, name), chunks);
    }
    const paths = [];
    for (const name of files.keys()) {
      place = join(directory, name);
      await rename(join(staging, name), place);
      paths.push(place);
    }
    return paths;
  } catch (thrown) {
    if (thrown instanceof FaultlineError) throw thrown;
    throw new FaultlineError('output', `cannot write the report: ${reasonOf(thrown)}`, {
      place: { file: place },
      hint: 'Free the place or choose another output folder.',
      cause: thrown,
    });
  } finally {
    if (staging !== null) await rm(staging, { recursive: true, force: true });
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw thrown;
  }
}

/** On disk before it is renamed: otherwise a power cut could leave a renamed file without its content. */
async function writeSynced(path: string, chunks: Iterable<string>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    let pending = '';
    for (const chunk of chunks) {
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
