/**
 * A file that appears whole or not at all: written beside its place, synced, renamed. Not a log: nothing of it
 * can be read under its own name before `commit`.
 */
import { randomBytes } from 'node:crypto';
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FaultlineError, reasonOf } from '../errors.js';
import { outputTarget } from '../folders.js';

/** Enough to make one write call of a few hundred lines, little enough to lose nothing by holding it. */
const BUFFER_CHARACTERS = 1 << 18;

/** `.<name>.<process>.<random>.tmp`, as `temporaryName` makes them. */
const TEMPORARY = /^\..+\.(\d+)\.[0-9a-f]{8}\.tmp$/;

/** Where to write what will be renamed to `path`: a hidden name beside it that nobody else uses, and that {@link removeAbandoned} knows. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
}

/**
 * Removes what killed processes left in a folder: hidden files and folders of {@link temporaryName} whose process no longer runs on this machine. Never
 * throws: what cannot be removed harms nobody.
 */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const writer = TEMPORARY.exec(name)?.[1];
    if (writer !== undefined && !isRunning(Number(writer)))
      await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isRunning(id: number): boolean {
  try {
    process.kill(id, 0);
    return true;
  } catch (error) {
    // One of another user may not be signalled, and runs.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

export class AtomicFile {
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  #pending: string[] = [];
  #pendingCharacters = 0;
  #ended = false;

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.path = path;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /**
   * Opens the hidden file. Call it before the work: an unwritable place is an `output` error here, not at the end.
   * So is a path where something other than a file stands.
   */
  static async open(name: string): Promise<AtomicFile> {
    const { path, replaceable } = await outputTarget(name);
    if (!replaceable) throw unwritable(path, new Error('it is there, and not a regular file'));
    const temporary = temporaryName(path);
    try {
      return new AtomicFile(path, temporary, await open(temporary, 'wx'));
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  /** Adds text. Not for concurrent callers: await each call. */
  async write(text: string): Promise<void> {
    this.#pending.push(text);
    this.#pendingCharacters += text.length;
    if (this.#pendingCharacters >= BUFFER_CHARACTERS) await this.#flush();
  }

  /** Adds bytes as they are. Not for concurrent callers, either. */
  async writeBytes(bytes: Uint8Array): Promise<void> {
    await this.#flush();
    try {
      await this.#handle.writeFile(bytes);
    } catch (error) {
      throw unwritable(this.path, error);
    }
  }

  /** Adds one object as a line. Half surrogate pairs are escaped, so that the file is valid UTF-8 and valid JSON. */
  async writeLine(value: Readonly<Record<string, unknown>>): Promise<void> {
    await this.write(`${JSON.stringify(value)}\n`);
  }

  /** Puts on disk what was written, so that `commit` has only the name left to give: a full disk shows here. */
  async sync(): Promise<void> {
    await this.#flush();
    try {
      await this.#handle.sync();
    } catch (error) {
      await this.abort();
      throw unwritable(this.path, error);
    }
  }

  /** Makes the file appear under its name, replacing an older one in one step, and survive a power cut. */
  async commit(): Promise<void> {
    if (this.#ended) return;
    try {
      await this.sync();
      await this.#handle.close();
      await rename(this.#temporary, this.path);
      this.#ended = true;
      const folder = await open(dirname(this.path), 'r');
      await folder.sync().finally(() => folder.close());
    } catch (error) {
      await this.abort();
      throw unwritable(this.path, error);
    }
  }

  /** Removes what was written so far; does nothing after `commit`. Never throws. */
  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporary, { force: true }).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const text = this.#pending.join('');
    this.#pending = [];
    this.#pendingCharacters = 0;
    try {
      if (text !== '') await this.#handle.writeFile(text, 'utf8');
    } catch (error) {
      await this.abort();
      throw unwritable(this.path, error);
    }
  }
}

function unwritable(path: string, error: unknown): FaultlineError {
  if (error instanceof FaultlineError) return error;
  return new FaultlineError('output', `cannot be written: ${reasonOf(error)}`, {
    place: { file: path },
    hint: 'Choose a folder that exists, that you may write to, and that has space left.',
    cause: error,
  });
}
