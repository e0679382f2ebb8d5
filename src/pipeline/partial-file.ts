/**
 * An output file that appears only when it is complete, with what is finished kept beside it until then. Each finished
 * line is appended to `<out>.partial` with its place in the final order; a rerun with the same fingerprint continues
 * from there, also after kill -9, and ends in the same bytes. Knows nothing of what the lines mean, nor what of a machine decides them:
 * whoever opens it compares that.
 */
import { closeSync, existsSync, openSync, readFileSync, statSync, truncateSync, unlinkSync, writeSync } from 'node:fs';
import { AtomicFile } from '../datasets/atomic-file.js';
import { FaultlineError, reasonOf } from '../errors.js';
import { keepFiles, type FileKind } from './keep-files.js';
import { mixed, type Mismatch } from './mismatch.js';

/** Version 1 said in words what had made the lines. */
const VERSION = 2;

interface Header {
  readonly faultline_partial: number;
  readonly fingerprint: string;
  /** What made the lines; absent where nothing about the machine decides them. */
  readonly made_with?: object;
  /** Of the sandbox that made the lines: a rerun judges by the same limits. Absent where nothing was executed. */
  readonly calibration?: number;
}

/** What of this machine decides an output's lines, beside what must be equal. */
export interface PartialOrigin<Made extends object> {
  /** Kept as JSON. */
  readonly madeWith: Made;
  /** Why lines made with the former must not stand beside ours; null where they may. */
  readonly mismatch: (then: Made) => Mismatch | null;
  readonly calibration?: number;
}

/**
 * Finds out before any work whether `out` can be written, by writing beside it. Leaves nothing behind.
 * @param own the output's kind; a text without
 * @throws FaultlineError of kind `output`, and `usage` where a database or a file of another kind would be replaced
 */
export async function checkWritable(out: string, own?: FileKind): Promise<void> {
  keepFiles(out, { database: null, own: own ?? null, hint: 'Give --out another name.' });
  if (existsSync(out) && statSync(out).isDirectory()) {
    throw new FaultlineError('output', 'is a folder; a file is to be written', { place: { file: out }, hint: 'Give the name of a file.' });
  }
  await (await AtomicFile.open(out)).abort();
}

/**
 * Refuses an output that is one of the files that it is made from, also by another name.
 * @throws FaultlineError of kind `usage`, with `hint` as the next step
 */
export function refuseInputs(out: string, inputs: readonly string[], hint = 'Give --out another name.'): void {
  const own = statSync(out, { throwIfNoEntry: false });
  if (own === undefined) return;
  for (const input of inputs) {
    const other = statSync(input, { throwIfNoEntry: false });
    if (other === undefined || other.ino !== own.ino || other.dev !== own.dev) continue;
    throw new FaultlineError('usage', 'is an input of this command, and would be replaced', {
      place: { file: out },
      hint,
    });
  }
}

export class PartialFile {
  private readonly lines = new Map<number, string>();
  private file: number | null;

  private constructor(
    private readonly out: string,
    private readonly path: string,
    file: number,
  ) {
    this.file = file;
  }

  /**
   * Opens `<out>.partial`, new or left by an earlier run. `fingerprint` stands for everything that decides the lines;
   * a partial file with another one is refused (kind `input`) rather than mixed or thrown away. So is one that was made with something
   * else of a machine's, such as another Python, which the error then names (kind `environment`).
   */
  static open<Made extends object>(out: string, fingerprint: string, origin?: PartialOrigin<Made>): PartialFile {
    const path = partialPath(out);
    const header: Header = {
      faultline_partial: VERSION,
      fingerprint,
      ...(origin === undefined ? {} : { made_with: origin.madeWith }),
      ...(origin?.calibration === undefined ? {} : { calibration: origin.calibration }),
    };
    const kept = existsSync(path) ? readPartial(path, header, out, origin) : null;
    try {
      if (existsSync(path)) truncateSync(path, kept?.bytes ?? 0);
      const partial = new PartialFile(out, path, openSync(path, 'a'));
      if (kept === null) partial.append(headerLine(header));
      for (const [index, line] of kept?.lines ?? []) partial.lines.set(index, line);
      return partial;
    } catch (thrown) {
      throw thrown instanceof FaultlineError ? thrown : unwritable(out, thrown);
    }
  }

  /** The calibration that an earlier, unfinished run judged by; undefined without one. Whether it is to be continued, `open` finds out. */
  static calibrationOf(out: string): number | undefined {
    const path = partialPath(out);
    if (!existsSync(path)) return undefined;
    const [first = ''] = readFileSync(path, 'utf8').split('\n', 1);
    try {
      const { calibration } = JSON.parse(first) as Partial<Header>;
      return typeof calibration === 'number' && calibration > 0 ? calibration : undefined;
    } catch {
      // Whatever it is, `open` says so.
      return undefined;
    }
  }

  /** Whether line `index` (0-based, in the final order) is finished. */
  has(index: number): boolean {
    return this.lines.has(index);
  }

  /** Lets `complete` write something else for a finished line. Not kept: a rerun begins with what was added. */
  amend(index: number, line: string): void {
    this.line(index);
    this.lines.set(index, line);
  }

  /** A finished line. Throws for one that is not. */
  line(index: number): string {
    const line = this.lines.get(index);
    if (line === undefined) throw new Error(`line ${index} of ${this.out} was never finished`);
    return line;
  }

  get size(): number {
    return this.lines.size;
  }

  /** Keeps one finished line: `line` is JSON without a newline. */
  add(index: number, line: string): void {
    this.append(`${JSON.stringify([index, line])}\n`);
    this.lines.set(index, line);
  }

  /** Writes `total` lines in order to `out` and removes the partial file. */
  async complete(total: number): Promise<void> {
    const file = await AtomicFile.open(this.out);
    try {
      for (let index = 0; index < total; index++) await file.write(`${this.line(index)}\n`);
      await file.commit();
    } catch (thrown) {
      await file.abort();
      throw thrown;
    }
    this.lines.clear();
    this.close();
  }

  /** Stops writing. What is finished stays beside `out` for the next run; with nothing finished, nothing stays. */
  close(): void {
    if (this.file === null) return;
    closeSync(this.file);
    this.file = null;
    if (this.lines.size === 0) unlinkSync(this.path);
  }

  private append(text: string): void {
    if (this.file === null) throw new Error(`${this.path} is closed`);
    try {
      const data = Buffer.from(text, 'utf8');
      for (let at = 0; at < data.length;) at += writeSync(this.file, data, at);
    } catch (thrown) {
      throw unwritable(this.path, thrown);
    }
  }
}

function partialPath(out: string): string {
  return `${out}.partial`;
}

function headerLine(header: Header): string {
  return `${JSON.stringify(header)}\n`;
}

/** What an earlier run finished, and how many bytes of the file are whole lines: kill -9 may have torn the last one. */
function readPartial<Made extends object>(
  path: string,
  expected: Header,
  out: string,
  origin: PartialOrigin<Made> | undefined,
): { lines: [number, string][]; bytes: number } | null {
  const content = readFileSync(path);
  const bytes = content.lastIndexOf(0x0a) + 1;
  const [first, ...rest] = content.subarray(0, bytes).toString('utf8').trimEnd().split('\n');
  const refuse = (reason: string): never => {
    throw new FaultlineError('input', reason, { place: { file: path }, hint: `Remove ${path}, or give another --out than ${out}.` });
  };
  if (bytes === 0) {
    // Killed while writing the header: whatever else this is, it is not ours to overwrite. A calibration is measured anew each time.
    const begun = content.toString('utf8').replace(/,("(c.*)?)?$/, '');
    if (!headerLine(expected).startsWith(begun)) refuse('is not a partial output of faultline');
    return null;
  }
  let header: unknown;
  try {
    header = JSON.parse(first!);
  } catch {
    refuse('is not a partial output of faultline');
  }
  if (typeof header !== 'object' || header === null || !('faultline_partial' in header)) refuse('is not a partial output of faultline');
  const {
    faultline_partial: written,
    fingerprint,
    made_with: then,
  } = header as Omit<Header, 'made_with'> & { readonly made_with?: unknown };
  if (written !== VERSION) refuse('is a partial output of another version of faultline');
  if (fingerprint !== expected.fingerprint) refuse('holds the unfinished output of a run with other settings or inputs');
  if (origin !== undefined && (typeof then !== 'object' || then === null)) refuse('is not a partial output of faultline');
  const found = origin?.mismatch(then as Made) ?? null;
  if (found !== null) throw mixed(found, { file: path }, `begin anew with ${path} removed or with another --out than ${out}`);
  const lines = rest.map((text, at): [number, string] => {
    let entry: unknown;
    try {
      entry = JSON.parse(text);
    } catch {
      refuse(`line ${at + 2} is not valid JSON`);
    }
    if (!Array.isArray(entry) || typeof entry[0] !== 'number' || typeof entry[1] !== 'string')
      refuse(`line ${at + 2} is not a finished line`);
    return entry as [number, string];
  });
  return { lines, bytes };
}

function unwritable(file: string, thrown: unknown): FaultlineError {
  return new FaultlineError('output', `cannot be written: ${reasonOf(thrown)}`, {
    place: { file },
    hint: 'Check that the folder exists, is writable and has space left.',
    cause: thrown,
  });
}
