/**
 * Downloads one file: resumed where it stopped, checked against its checksum, in place whole or not at all. Knows HTTP
 * and files; what is worth downloading stands in `fetch-dataset.ts` and `fetch-model.ts`.
 *
 * While it runs the data lies in `<destination>.part`, and stays there when the network fails, so that the next call
 * asks for the rest only. A part that turns out to be of another version of the file is thrown away once and for all
 * by the checksum: the download then starts over, one time.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FaultlineError, reasonOf } from '../errors.js';
import { makeFolders } from '../folders.js';

/** What a file's content must hash to. `git-blob` is what the hub gives for small files: SHA-1 with git's header. */
export interface Checksum {
  readonly algorithm: 'sha256' | 'git-blob';
  readonly hex: string;
}

export interface DownloadProgress {
  readonly file: string;
  readonly receivedBytes: number;
  /** Null where the server does not say. */
  readonly totalBytes: number | null;
}

export interface DownloadRequest {
  readonly url: string;
  readonly destination: string;
  readonly checksum: Checksum;
  /** Known size, for progress before the server answers and for git's hash. */
  readonly sizeBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
  /** What to do by hand where there is no network; becomes the hint. */
  readonly offlineHint: string;
  /** A connection that says nothing for so long is given up. Default: 60,000. */
  readonly idleTimeoutMs?: number;
}

/** How often a connection that broke in the middle is taken up again; each time it resumes, so nothing is lost. */
const ATTEMPTS = 4;

/**
 * Downloads a file unless it is already there with the right checksum; returns which of the two.
 *
 * Errors: `environment` where the network is not there or keeps failing, or the server refuses, with what to do by hand;
 * `input` where the content has another checksum; `output` where it cannot be written. An aborted signal rejects with its
 * reason and keeps the part.
 */
export async function download(request: DownloadRequest): Promise<'downloaded' | 'present'> {
  const { destination, checksum, signal } = request;
  signal?.throwIfAborted();
  if ((await sizeOf(destination)) !== null && (await checksumOf(destination, checksum.algorithm)) === checksum.hex) return 'present';
  const part = `${destination}.part`;
  await writing(destination, () => {
    makeFolders(dirname(destination));
  });

  const resumed = (await sizeOf(part)) !== null;
  await receiveAll(request, part);
  let found = await checksumOf(part, checksum.algorithm);
  if (found !== checksum.hex && resumed) {
    await rm(part, { force: true });
    await receiveAll(request, part);
    found = await checksumOf(part, checksum.algorithm);
  }
  if (found !== checksum.hex) {
    await rm(part, { force: true });
    throw new FaultlineError('input', `what ${request.url} sent has the checksum ${found}, expected ${checksum.hex}`, {
      place: { file: destination },
      hint: `Nothing was kept. Try again; if it stays so, the file has changed at its origin or on the way. ${request.offlineHint}`,
    });
  }
  await writing(destination, () => rename(part, destination));
  return 'downloaded';
}

/** The checksum of a file on disk, in hexadecimal. */
export async function checksumOf(file: string, algorithm: Checksum['algorithm']): Promise<string> {
  const hash = createHash(algorithm === 'sha256' ? 'sha256' : 'sha1');
  if (algorithm === 'git-blob') hash.update(`blob ${(await stat(file)).size}\0`);
  for await (const chunk of createReadStream(file) as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest('hex');
}

/** Receives until the server says that it was all. Broken transfers are resumed; a server that does not answer is not asked twice. */
async function receiveAll(request: DownloadRequest, part: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      if (await receive(request, part, (await sizeOf(part)) ?? 0)) return;
      if (attempt >= ATTEMPTS) throw new Error('the server keeps answering with another range than was asked for');
    } catch (error) {
      if (error instanceof FaultlineError) throw error;
      request.signal?.throwIfAborted();
      const broken = error instanceof BrokenTransfer;
      if (!broken || attempt >= ATTEMPTS) throw networkError(request.url, broken ? error.cause : error, request.offlineHint);
    }
  }
}

/** The connection was there and then it was not; `cause` says how. */
class BrokenTransfer extends Error {}

/** One connection. Returns whether the file is complete; false asks for another connection from the start. */
async function receive(request: DownloadRequest, part: string, offset: number): Promise<boolean> {
  const { url, headers, onProgress, signal, idleTimeoutMs = 60_000 } = request;
  const idle = new AbortController();
  let timer = setTimeout(() => undefined, 0);
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      idle.abort(new Error(`nothing was received for ${idleTimeoutMs / 1000} s`));
    }, idleTimeoutMs);
  };
  try {
    alive();
    const response = await fetch(url, {
      // Compressed transfer would make ranges and sizes those of the compressed form.
      headers: { ...headers, 'accept-encoding': 'identity', ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) },
      signal: signal === undefined ? idle.signal : AbortSignal.any([signal, idle.signal]),
    });
    if (response.status === 416 && offset > 0) {
      await response.body?.cancel();
      // "Nothing after this offset": the part is the whole file, or longer than it.
      if (/^bytes \*\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] === String(offset)) return true;
      await rm(part, { force: true });
      return false;
    }
    if (!response.ok || response.body === null) throw refused(request, response);

    const appended = response.status === 206 && (response.headers.get('content-range') ?? '').startsWith(`bytes ${offset}-`);
    if (response.status === 206 && !appended) {
      await response.body.cancel();
      await rm(part, { force: true });
      return false;
    }
    let received = appended ? offset : 0;
    const length = response.headers.get('content-length');
    const total = length === null ? (request.sizeBytes ?? null) : received + Number(length);
    const handle = await writing(part, () => open(part, appended ? 'a' : 'w'));
    try {
      onProgress?.({ file: request.destination, receivedBytes: received, totalBytes: total });
      const chunks = (response.body as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
      for (;;) {
        const next = await chunks.next().catch((error: unknown) => {
          throw new BrokenTransfer('broken', { cause: error });
        });
        if (next.done === true) break;
        alive();
        await writing(part, () => handle.writeFile(next.value));
        received += next.value.length;
        onProgress?.({ file: request.destination, receivedBytes: received, totalBytes: total });
      }
      await writing(part, () => handle.sync());
    } finally {
      await handle.close();
    }
    if (total !== null && received < total) {
      throw new BrokenTransfer('broken', { cause: new Error(`the connection ended after ${received} of ${total} bytes`) });
    }
    return true;
  } finally {
    clearTimeout(timer);
  }
}

function refused(request: DownloadRequest, response: Response): FaultlineError {
  const meaning = {
    401: ' (a login is needed: set HF_TOKEN for models of the hub)',
    403: ' (forbidden)',
    404: ' (not there)',
    429: ' (too many requests: wait a while)',
  }[response.status];
  return new FaultlineError('environment', `${request.url} answered with status ${response.status}${meaning ?? ''}`, {
    hint: request.offlineHint,
  });
}

/** The `environment` error for a request that got no answer, or lost the connection; the cause behind "fetch failed" is named. */
export function networkError(url: string, error: unknown, hint: string): FaultlineError {
  const cause: NodeJS.ErrnoException | null = error instanceof Error && error.cause instanceof Error ? error.cause : null;
  const code = cause?.code;
  const detail = [reasonOf(error), cause === null ? null : (code ?? cause.message)]
    .filter((part) => part !== null && part !== '')
    .join(': ');
  return new FaultlineError('environment', `cannot download ${url}: ${detail}; is there a network?`, { hint, cause: error });
}

async function sizeOf(file: string): Promise<number | null> {
  const found = await stat(file).catch(() => null);
  return found?.isFile() === true ? found.size : null;
}

async function writing<T>(file: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new FaultlineError('output', `cannot be written: ${reasonOf(error)}`, {
      place: { file },
      hint: 'Free some space there, or choose another cache folder with FAULTLINE_HOME.',
      cause: error,
    });
  }
}
