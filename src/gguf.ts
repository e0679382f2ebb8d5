/**
 * GGUF files as TypeScript needs them: which file a model path means, and the metadata and tensor table at a file's
 * beginning. Knows no model and no tokenizer, and never reads a weight: the native engine does, with its own reader
 * (`native/format/gguf.h`), which also checks what is left unlooked at here (offsets, alignment, tensor types).
 *
 * Layout: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little-endian.
 */
import { readdirSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultlineError, reasonOf } from './errors.js';

/** One metadata value. 64-bit integers are bigints only where a number cannot hold them. */
export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

export interface GgufHeader {
  /** The values that were asked for. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Each tensor's shape, slowest dimension first. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

const FIRST_READ = 4 << 20;
/** Metadata and tensor table of a GPT-2 take about a mebibyte; far beyond, the file lies about a length. */
const HEADER_MAX = 256 << 20;
/** Array elements that are kept: twice as many as the largest vocabulary has tokens. Each costs eight bytes or more. */
const KEPT_MAX = 1 << 23;
const KEY_MAX = 65_535;
const NAME_MAX = 64;
const DIMENSIONS_MAX = 4;
const DEPTH_MAX = 8;
// The fewest bytes of an entry: what a count must have in the file.
const METADATA_LEAST = 8 + 4 + 1;
const TENSOR_LEAST = 8 + 4 + 4 + 8;

/**
 * The GGUF file that a model path means: a file whose name ends in `.gguf`, or the only one in a folder without
 * safetensors. Null where the path means something else, be it nothing at all. Several files are an `input` error.
 */
export function ggufFileOf(path: string): string | null {
  const [first, ...others] = ggufFilesAt(path);
  if (others.length > 0) {
    throw new FaultlineError('input', `holds ${others.length + 1} GGUF files, and a model is one`, {
      place: { file: path },
      hint: `Give the file itself, such as ${first}.`,
    });
  }
  return first ?? null;
}

/** The GGUF files that a model path may mean, sorted. */
export function ggufFilesAt(path: string): string[] {
  let names: string[];
  try {
    if (!statSync(path).isDirectory()) return path.endsWith('.gguf') ? [path] : [];
    names = readdirSync(path);
  } catch {
    return []; // not there or not readable: whoever opens it says so
  }
  if (names.some((name) => name.endsWith('.safetensors'))) return [];
  const files = names.filter((name) => name.endsWith('.gguf')).sort();
  return files.map((name) => join(path, name));
}

/**
 * Reads the beginning of a file, as far as the tensor table goes. `keep` says which metadata values are wanted; the others
 * are checked and passed over. Throws an `input` FaultlineError that names the file, the byte and the reason.
 */
export async function readGgufHeader(file: string, keep: (key: string) => boolean): Promise<GgufHeader> {
  try {
    // Looked at before it is opened: opening a pipe waits for its writer.
    if (!(await stat(file)).isFile()) throw new Error('is not a regular file');
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      for (let wanted = FIRST_READ; ; wanted *= 4) {
        const bytes = Buffer.alloc(Math.min(size, wanted));
        let done = 0;
        while (done < bytes.length) {
          const { bytesRead } = await handle.read(bytes, done, bytes.length - done, done);
          if (bytesRead === 0) throw new Error('became shorter while it was read');
          done += bytesRead;
        }
        const header = parseGgufHeader(bytes, size, file, keep);
        if (header !== null) return header;
        if (wanted >= HEADER_MAX) throw new Error(`its metadata and tensor table take more than ${HEADER_MAX >> 20} MiB`);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof FaultlineError) throw error;
    throw new FaultlineError('input', reasonOf(error), { place: { file }, cause: error });
  }
}

/** The same over the first bytes of a file of `size` bytes; null where they end before the tensor table does. */
export function parseGgufHeader(bytes: Uint8Array, size: number, file: string, keep: (key: string) => boolean): GgufHeader | null {
  try {
    return new Parser(bytes, size, file).header(keep);
  } catch (error) {
    if (error instanceof MoreNeeded) return null;
    throw error;
  }
}

/** Thrown where the bytes end and the file does not. */
class MoreNeeded extends Error {}

interface ScalarType {
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number | bigint;
}
/** By the format's number; null for what has no fixed size. */
const TYPES: readonly (ScalarType | null)[] = [
  { bytes: 1, read: (view, at) => view.getUint8(at) },
  { bytes: 1, read: (view, at) => view.getInt8(at) },
  { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  { bytes: 1, read: (view, at) => view.getUint8(at) },
  null,
  null,
  { bytes: 8, read: (view, at) => view.getBigUint64(at, true) },
  { bytes: 8, read: (view, at) => view.getBigInt64(at, true) },
  { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
];
const BOOLEAN = 7;
const STRING = 8;
const ARRAY = 9;

/** Reads forwards; every length is compared with what is left of the file before anything is made of it. */
class Parser {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #size: number;
  readonly #file: string;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #at = 0;
  #kept = 0;

  constructor(bytes: Uint8Array, size: number, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#size = size;
    this.#file = file;
  }

  header(keep: (key: string) => boolean): GgufHeader {
    const magic = this.#take(4, 'the magic number');
    if (this.#view.getUint32(magic, false) !== 0x47475546) this.#refuse(magic, 'does not begin with "GGUF"', 'This is not a GGUF file.');
    const version = this.#uint32('the version');
    if (version !== 2 && version !== 3) {
      const place = this.#at - 4;
      const bigEndian = [2, 3].includes(this.#view.getUint32(place, false));
      this.#refuse(
        place,
        bigEndian ? 'the file is big-endian, which is not read' : `has version ${version}, but versions 2 and 3 are read`,
        'Convert the model again with a current converter, for little-endian machines.',
      );
    }
    const tensors = this.#count('the number of tensors', TENSOR_LEAST);
    const values = this.#count('the number of metadata values', METADATA_LEAST);

    const metadata = new Map<string, GgufValue>();
    const seen = new Set<string>();
    for (let i = 0; i < values; i++) {
      const place = this.#at;
      const key = this.#string('a key', KEY_MAX);
      const what = JSON.stringify(key);
      if (seen.has(key)) this.#refuse(place, `has two values for the key ${what}`);
      seen.add(key);
      const wanted = keep(key);
      const value = this.#value(this.#type(what), what, 0, wanted);
      if (wanted) metadata.set(key, value);
    }

    const shapes = new Map<string, readonly number[]>();
    for (let i = 0; i < tensors; i++) {
      const place = this.#at;
      const name = this.#string("a tensor's name", NAME_MAX);
      const what = `tensor ${JSON.stringify(name)}`;
      if (shapes.has(name)) this.#refuse(place, `has two tensors named ${JSON.stringify(name)}`);
      const rank = this.#uint32(what);
      if (rank > DIMENSIONS_MAX) this.#refuse(this.#at - 4, `${what} has ${rank} dimensions, more than ${DIMENSIONS_MAX}`);
      const shape: number[] = [];
      for (let dimension = 0; dimension < rank; dimension++) shape.unshift(this.#uint64(what));
      this.#take(4 + 8, what); // its type and offset
      shapes.set(name, shape);
    }
    return { metadata, shapes };
  }

  #refuse(at: number, reason: string, hint = 'Fetch or convert the file again: it looks damaged.'): never {
    throw new FaultlineError('input', `byte ${at}: ${reason}`, { place: { file: this.#file }, hint });
  }

  /** Passes over `length` bytes and returns where they begin. */
  #take(length: number, what: string): number {
    const at = this.#at;
    if (length > this.#size - at)
      this.#refuse(at, `${what} needs ${length} bytes, but the file has ${this.#size - at} left (is it truncated?)`);
    if (length > this.#bytes.length - at) throw new MoreNeeded();
    this.#at += length;
    return at;
  }

  #uint32(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true);
  }

  /** A length, count or extent. Beyond 2^53 it can only be a lie, and any file is too short for it. */
  #uint64(what: string): number {
    return Number(this.#view.getBigUint64(this.#take(8, what), true));
  }

  #count(what: string, least: number): number {
    const count = this.#uint64(what);
    if (count > this.#size / least)
      this.#refuse(this.#at - 8, `${what} is ${count}, but the file's ${this.#size} bytes have no room for so many (is it truncated?)`);
    return count;
  }

  #string(what: string, most: number): string {
    const length = this.#uint64(what);
    if (length > most) this.#refuse(this.#at - 8, `${what} is ${length} bytes long, more than ${most}`);
    const at = this.#take(length, what);
    try {
      return this.#decoder.decode(this.#bytes.subarray(at, at + length));
    } catch {
      return this.#refuse(at, `${what} is not valid UTF-8`);
    }
  }

  #type(what: string): number {
    const type = this.#uint32(what);
    if (type >= TYPES.length) this.#refuse(this.#at - 4, `${what} has the unknown type ${type}`);
    return type;
  }

  /** The value that comes next; where it is not wanted, arrays come back empty. */
  #value(type: number, what: string, depth: number, wanted: boolean): GgufValue {
    if (type === STRING) return this.#string(what, Infinity);
    if (type === ARRAY) return this.#array(what, depth + 1, wanted);
    const { bytes, read } = TYPES[type]!;
    const value = read(this.#view, this.#take(bytes, what));
    if (type === BOOLEAN) {
      if (value !== 0 && value !== 1) this.#refuse(this.#at - 1, `${what} is neither false nor true`);
      return value === 1;
    }
    return typeof value === 'bigint' && BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #array(what: string, depth: number, wanted: boolean): readonly GgufValue[] {
    if (depth > DEPTH_MAX) this.#refuse(this.#at, `${what} nests deeper than ${DEPTH_MAX} arrays`);
    const type = this.#type(what);
    const count = this.#uint64(what);
    const bytes = TYPES[type]?.bytes;
    if (bytes !== undefined && count * bytes > this.#size - this.#at) {
      const left = this.#size - this.#at;
      this.#refuse(this.#at, `${what} needs ${count} x ${bytes} bytes, but the file has ${left} left (is it truncated?)`);
    }
    if (bytes !== undefined && !wanted && type !== BOOLEAN) {
      this.#take(count * bytes, what);
      return [];
    }
    // Grows as elements are read: each takes a byte or more of the file, whatever the count says.
    const items: GgufValue[] = [];
    for (let i = 0; i < count; i++) {
      const item = this.#value(type, what, depth, wanted);
      if (!wanted) continue;
      if (++this.#kept > KEPT_MAX) this.#refuse(this.#at, `${what} holds more than the ${KEPT_MAX} values that are read`);
      items.push(item);
    }
    return items;
  }
}
