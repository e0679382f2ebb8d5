/**
 * Lines of JSON, plain or gzipped: reading with the place of every error, writing so that a file is there whole or not
 * at all. Knows objects and fields; what the fields mean stands in `humaneval.ts`, `mbpp.ts` and `samples.ts`.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FaultlineError, reasonOf } from '../errors.js';
import { findJsonFault, offsetOfValue, spansOfValues } from './json-position.js';

/** One line that holds an object. */
export interface JsonLine {
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  /** The line as it stands in the file, without its end. */
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Which part of the line this is, in words, where it is not the whole: `text` and `value` are the part's, and errors name it. */
  readonly part?: string;
}

/** A line longer than this is a broken file, not a problem or a sample. */
const LINE_BYTES_MAX = 64 << 20;
/** An object that is a whole file is in memory as bytes, as text and as values. Well below the longest text that Node holds, 2^29 characters. */
const OBJECT_BYTES_MAX = 384 << 20;
/** What other programs write for numbers that JSON does not have; behind a minus sign too, which is where the fault is found. */
const NO_NUMBER = /^-?(?:NaN|Infinity)\b/;
const GZIP_MAGIC = [0x1f, 0x8b];

export interface JsonlOptions {
  /** Is called with the bytes on disk as they are read, for hashing along the way. */
  readonly onBytes?: (chunk: Uint8Array) => void;
  /**
   * For files that may be one object instead, over any number of lines: such a one is read whole, and is the one line of its file.
   * `begins` tells it by its first thousands of characters, and by the whole of a first line that is longer; `hint` is the next step where it is
   * longer than can be read.
   */
  readonly object?: { readonly begins: (head: string) => boolean; readonly hint: string };
}

/**
 * Reads a file line by line, in constant memory; gzip is known by its first bytes, not by the name. Blank lines and a
 * byte-order mark at the start are skipped.
 *
 * Errors are `input`, with file, line and column: unreadable, not UTF-8, not JSON, not an object, damaged gzip.
 */
export async function* readJsonl(file: string, options: JsonlOptions = {}): AsyncGenerator<JsonLine> {
  let line = 0;
  for await (const bytes of splitLines(file, options)) {
    line++;
    let text: string;
    try {
      // A decoder of its own for each line: a byte-order mark is dropped at the start of the file only.
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: line > 1 }).decode(bytes);
    } catch (error) {
      throw new FaultlineError('input', 'this line is not valid UTF-8', {
        place: { file, line },
        hint: 'Save the file as UTF-8.',
        cause: error,
      });
    }
    if (text.trim() === '') continue;
    yield { file, line, text, value: parseLine(text, file, line) };
  }
}

/** Reads a whole file and the SHA-256 of its bytes on disk. */
export async function readJsonlWithHash(file: string): Promise<{ lines: JsonLine[]; hash: string }> {
  const hash = createHash('sha256');
  const lines: JsonLine[] = [];
  for await (const line of readJsonl(file, { onBytes: (chunk) => hash.update(chunk) })) lines.push(line);
  return { lines, hash: hash.digest('hex') };
}

/** An `input` error about a line; with `field`, the column is that of the field's value. A part of a line is named, and has no column. */
export function lineError(line: JsonLine, reason: string, options: { field?: string; hint?: string } = {}): FaultlineError {
  const { file, line: number, part } = line;
  const offset = options.field === undefined ? null : offsetOfValue(line.text, options.field);
  return new FaultlineError('input', part === undefined ? reason : `${part}: ${reason}`, {
    place: part === undefined ? { file, ...placeIn(line.text, offset ?? 0, number) } : { file, line: number },
    hint: options.hint ?? 'Correct the line, or remove it from the file.',
  });
}

/** A field that must be there and be text. */
export function stringField(line: JsonLine, field: string): string {
  const value = requiredField(line, field);
  if (typeof value !== 'string') throw lineError(line, `field "${field}" is ${kindOf(value)}, expected a string`, { field });
  return value;
}

/** A field that may be absent or null; otherwise it must be text. */
export function optionalStringField(line: JsonLine, field: string): string | undefined {
  const value = Object.hasOwn(line.value, field) ? line.value[field] : undefined;
  return value === undefined || value === null ? undefined : stringField(line, field);
}

/** A field that may be absent or null; otherwise a whole number within bounds. */
export function optionalIntegerField(line: JsonLine, field: string, min: number, max: number): number | undefined {
  const value = Object.hasOwn(line.value, field) ? line.value[field] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    const shown = typeof value === 'number' ? String(value) : kindOf(value);
    throw lineError(line, `field "${field}" is ${shown}, expected a whole number from ${min} to ${max}`, { field });
  }
  return value;
}

/** A field that must be a list of strings; absent counts as empty when `optional`. */
export function stringListField(line: JsonLine, field: string, optional = false): string[] {
  if (optional && !Object.hasOwn(line.value, field)) return [];
  const value = requiredField(line, field);
  if (!Array.isArray(value)) throw lineError(line, `field "${field}" is ${kindOf(value)}, expected a list of strings`, { field });
  return value.map((entry: unknown, index) => {
    if (typeof entry !== 'string') throw lineError(line, `field "${field}"[${index}] is ${kindOf(entry)}, expected a string`, { field });
    return entry;
  });
}

export function requiredField(line: JsonLine, field: string): unknown {
  if (!Object.hasOwn(line.value, field)) {
    const found = Object.keys(line.value).slice(0, 12).join(', ');
    throw lineError(line, `field "${field}" is missing`, { hint: `The line has: ${found === '' ? 'no fields' : found}.` });
  }
  return line.value[field];
}

/**
 * A line with fields added, everything else as it was, byte for byte, so that numbers beyond 2^53 and odd spellings
 * survive; where a field is there already, the new value stands in its place.
 */
export function withFields(line: Pick<JsonLine, 'text' | 'value'>, fields: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(fields);
  if (names.length === 0) return line.text;
  let text = line.text.trimEnd();
  const present = names.filter((name) => Object.hasOwn(line.value, name));
  if (present.length > 0) {
    const spans = spansOfValues(text);
    const places = present.map((name) => ({ name, ...spans.get(name)! })).sort((a, b) => b.start - a.start);
    // The last one first, so that the places before it stay where they are.
    for (const { name, start, end } of places) text = text.slice(0, start) + JSON.stringify(fields[name]) + text.slice(end);
  }
  const absent = Object.fromEntries(names.filter((name) => !present.includes(name)).map((name) => [name, fields[name]]));
  if (Object.keys(absent).length === 0) return text;
  const body = text.slice(0, -1).trimEnd(); // a JSON object ends in "}"
  return body + (body.endsWith('{') ? '' : ', ') + JSON.stringify(absent).slice(1);
}

/** "a number", "null", "a list" ...: for messages. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return { string: 'a string', number: 'a number', boolean: 'a boolean', object: 'an object' }[typeof value as string] ?? typeof value;
}

/** The line and column of an offset into a text that begins on a line: a file that is one object may go over many. */
function placeIn(text: string, offset: number, line: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: line + before.length - 1, column: before.at(-1)!.length + 1 };
}

function parseLine(text: string, file: string, line: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const fault = findJsonFault(text) ?? { offset: 0, reason: reasonOf(error) };
    throw new FaultlineError('input', `not valid JSON: ${fault.reason}`, {
      place: { file, ...placeIn(text, fault.offset, line) },
      hint: NO_NUMBER.test(text.slice(fault.offset))
        ? "JSON has no NaN and no infinity, though Python's json module writes them: put null in their place."
        : text.includes('\n')
          ? 'The file must be one complete JSON object: write or fetch it again.'
          : 'Every line must be one complete JSON object.',
      cause: error,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FaultlineError('input', `expected a JSON object, found ${kindOf(value)}`, {
      place: { file, line, column: 1 },
      hint: 'Every line must be one complete JSON object.',
    });
  }
  return value as Readonly<Record<string, unknown>>;
}

/**
 * Splits at `\n` alone: `readline` also splits at U+2028, which is allowed inside JSON strings. What is one object is not split. What it gives
 * is in memory with the caller alone.
 */
async function* splitLines(file: string, { onBytes, object }: JsonlOptions): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let line = 1;
  let isObject: boolean | null = null;
  let isFirstOver = false;
  const begins = (head: Uint8Array): boolean => object?.begins(Buffer.from(head).toString('latin1')) ?? false;
  const joined = (): Uint8Array => {
    const bytes = Buffer.concat(pending);
    pending = [];
    pendingBytes = 0;
    return bytes;
  };
  try {
    for await (const chunk of decompressed(file, onBytes)) {
      isObject ??= begins(chunk);
      let start = 0;
      if (isObject && !isFirstOver) {
        // What the first line that is not empty has behind its first thousands of characters may say that it is a line.
        const text = pendingBytes > 0 ? 0 : chunk.findIndex((byte) => byte !== 0x0a);
        const first = text < 0 ? -1 : chunk.indexOf(0x0a, text);
        isFirstOver = first >= 0;
        if (first >= 0 && pendingBytes > 0 && pendingBytes <= LINE_BYTES_MAX)
          isObject = begins(Buffer.concat([...pending, chunk.subarray(0, first)]));
      }
      for (let end = isObject ? -1 : chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
        pending.push(chunk.subarray(start, end));
        yield joined();
        start = end + 1;
        line++;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      const most = isObject ? OBJECT_BYTES_MAX : LINE_BYTES_MAX;
      if (pendingBytes > most)
        throw new FaultlineError('input', `${isObject ? 'an object' : 'a line'} of more than ${most >> 20} MiB`, {
          place: { file, line },
          hint: isObject ? object!.hint : 'Every line must be one complete JSON object.',
        });
    }
  } catch (error) {
    if (error instanceof FaultlineError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT') throw new FaultlineError('input', 'no such file', { place: { file }, hint: 'Check the path.', cause: error });
    if (code === 'EISDIR')
      throw new FaultlineError('input', 'a folder, expected a file', {
        place: { file },
        hint: 'Give a .jsonl or .jsonl.gz file.',
        cause: error,
      });
    const reason = code.startsWith('Z_') ? `damaged gzip data: ${reasonOf(error)}` : `cannot be read: ${reasonOf(error)}`;
    throw new FaultlineError('input', reason, { place: { file }, hint: 'Fetch or write the file again.', cause: error });
  }
  if (pendingBytes > 0) yield joined();
}

async function* decompressed(file: string, onBytes?: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  const raw = tapped(createReadStream(file, { highWaterMark: 1 << 16 }), onBytes);
  const first = await raw.next();
  if (first.done === true) return;
  const whole = (async function* () {
    yield first.value;
    yield* raw;
  })();
  const gzipped = GZIP_MAGIC.every((byte, i) => first.value[i] === byte);
  if (!gzipped) {
    yield* whole;
    return;
  }
  const source = Readable.from(whole);
  const gunzip = createGunzip();
  source.once('error', (error) => gunzip.destroy(error));
  yield* source.pipe(gunzip) as AsyncIterable<Uint8Array>;
}

async function* tapped(stream: AsyncIterable<Uint8Array>, onBytes?: (chunk: Uint8Array) => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    onBytes?.(chunk);
    yield chunk;
  }
}
