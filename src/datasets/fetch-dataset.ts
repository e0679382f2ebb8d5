/** Puts a dataset's file where `--problems <name>` looks for it: from its origin, or from a file that is already here. */
import { randomBytes } from 'node:crypto';
import { copyFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaultlineError, nearest, reasonOf } from '../errors.js';
import { makeFolders } from '../folders.js';
import { checksumOf, download, type DownloadProgress } from './download.js';
import { datasetPath } from './problems.js';
import { datasets, type DatasetRow } from './registry.js';

export interface FetchDatasetOptions {
  /** A copy of the file on this machine, instead of the network; checked against the same sum. */
  readonly from?: string;
  /** Another address for the same file, such as a mirror; checked against the same sum. */
  readonly url?: string;
  readonly home?: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
}

export interface FetchedDataset {
  readonly dataset: DatasetRow;
  readonly path: string;
  /** `present` where nothing had to be done. */
  readonly how: 'downloaded' | 'copied' | 'present';
}

/**
 * Fetches a dataset by name. Errors: `usage` for an unknown name, `environment` without a network (it names the file to
 * put in place), `input` for a wrong checksum or an unreadable copy, `output` where the cache folder cannot be written.
 */
export async function fetchDataset(name: string, options: FetchDatasetOptions = {}): Promise<FetchedDataset> {
  const fetchable = datasets.filter((row) => row.url !== null).map((row) => row.name);
  const dataset = datasets.find((row) => row.name === name.toLowerCase());
  if (dataset === undefined) {
    const near = nearest(name, fetchable);
    throw new FaultlineError('usage', `there is no dataset ${JSON.stringify(name)}`, {
      hint: `Use one of ${(near.length > 0 ? near : fetchable).join(', ')}.`,
    });
  }
  const path = datasetPath(dataset, options.home);
  if (dataset.url === null) return { dataset, path, how: 'present' };
  if (options.from !== undefined) return { dataset, path, how: await copyChecked(options.from, path, dataset) };
  const { onProgress, signal } = options;
  const how = await download({
    url: options.url ?? dataset.url,
    destination: path,
    checksum: { algorithm: 'sha256', hex: dataset.sha256 },
    offlineHint: `Put ${dataset.file} (from ${dataset.url}) at ${path}, or run: faultline data fetch ${dataset.name} <path to the file>`,
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  });
  return { dataset, path, how };
}

async function copyChecked(from: string, path: string, dataset: DatasetRow): Promise<'copied' | 'present'> {
  const found = await stat(from).catch(() => null);
  if (found?.isFile() !== true) {
    throw new FaultlineError('input', found === null ? 'no such file' : 'not a file', {
      place: { file: from },
      hint: `Give the path of ${dataset.file}.`,
    });
  }
  const sum = await checksumOf(from, 'sha256');
  if (sum !== dataset.sha256) {
    throw new FaultlineError('input', `this is not ${dataset.file}: its SHA-256 is ${sum}, expected ${dataset.sha256}`, {
      place: { file: from },
      hint: `Get the file from ${dataset.url}; to use a file of your own, give its path as the problems instead.`,
    });
  }
  if ((await stat(path).catch(() => null))?.isFile() === true && (await checksumOf(path, 'sha256')) === sum) return 'present';
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    makeFolders(dirname(path));
    await copyFile(from, temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new FaultlineError('output', `cannot be written: ${reasonOf(error)}`, {
      place: { file: path },
      hint: 'Choose another cache folder with FAULTLINE_HOME.',
      cause: error,
    });
  }
  return 'copied';
}
