/**
 * The kinds of value that a config entry can hold: how each is checked, and how it is read from a flag or an
 * environment variable. Knows no entry by name; `schema.ts` is the table of those.
 */

/** Why a value was refused: what was expected, without the key and the place, which the loader adds. */
export class Mismatch extends Error {
  /** The part of the value that was refused, such as `[0, 'when']`; empty for the whole. */
  readonly path: readonly (string | number)[];

  constructor(reason: string, path: readonly (string | number)[] = []) {
    super(reason);
    this.path = path;
  }

  /** The refusal as a sentence about what `name` stands for: `categories.rules[0].when: expected …`. */
  about(name: string): string {
    return `${name}${this.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('')}: ${this.message}`;
  }
}

/** One kind of value. `parse` throws {@link Mismatch}. */
export interface ValueType<T> {
  /** What is expected, such as `an integer from 1`; ends sentences such as `expected …`. */
  readonly expected: string;
  /** Checks what YAML gave: integers arrive as bigint, so that 64-bit seeds keep every digit. */
  parse(raw: unknown): T;
  /** Reads the text of a flag or an environment variable. */
  fromText(text: string): T;
  /** True for paths, which the loader resolves against the folder of what named them. */
  readonly path?: 'always' | 'if-it-exists';
}

/** A value as a message shows it: short, on one line. */
function shown(raw: unknown): string {
  if (typeof raw === 'bigint') return raw.toString();
  if (typeof raw === 'string') return JSON.stringify(raw.length > 40 ? `${raw.slice(0, 40)}…` : raw);
  if (raw === null || raw === undefined) return 'nothing';
  if (Array.isArray(raw)) return 'a list';
  return typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : 'a section';
}

/** Throws the refusal that every type words alike. */
export function refuse(expected: string, raw: unknown): never {
  throw new Mismatch(`expected ${expected}, got ${shown(raw)}`);
}

/** Numbers as people write them on a command line; anything else stays text, and is then refused by `parse`. */
function numberFromText(text: string): unknown {
  if (/^[+-]?\d+$/.test(text)) return BigInt(text);
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

function range(least: number, most: number): string {
  return most === Infinity ? `from ${least}` : `from ${least} to ${most}`;
}

export function integer(least: number, most = Number.MAX_SAFE_INTEGER): ValueType<number> {
  const expected = `an integer ${range(least, most === Number.MAX_SAFE_INTEGER ? Infinity : most)}`;
  const parse = (raw: unknown): number => {
    const value = typeof raw === 'bigint' ? Number(raw) : raw;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) refuse(expected, raw);
    return value;
  };
  return { expected, parse, fromText: (text) => parse(numberFromText(text)) };
}

/** A finite number in [least, most], without `least` itself with `above`, without `most` with `below`. */
export function number(least: number, most = Infinity, options: { above?: boolean; below?: boolean } = {}): ValueType<number> {
  const { above = false, below = false } = options;
  const upper = most === Infinity ? '' : ` and ${below ? 'below' : 'at most'} ${most}`;
  const expected = above || below ? `a number ${above ? `above ${least}` : `from ${least}`}${upper}` : `a number ${range(least, most)}`;
  const parse = (raw: unknown): number => {
    const value = typeof raw === 'bigint' ? Number(raw) : raw;
    if (
      typeof value !== 'number' ||
      !Number.isFinite(value) ||
      value < least ||
      value > most ||
      (above && value === least) ||
      (below && value === most)
    ) {
      refuse(expected, raw);
    }
    return value;
  };
  return { expected, parse, fromText: (text) => parse(numberFromText(text)) };
}

/** 0 to 2^64 - 1, kept as bigint: a JavaScript number holds 53 bits. */
export function seed64(): ValueType<bigint> {
  const expected = 'an integer from 0 to 18446744073709551615';
  const parse = (raw: unknown): bigint => {
    if (typeof raw !== 'bigint' || raw < 0n || raw >= 1n << 64n) refuse(expected, raw);
    return raw;
  };
  return { expected, parse, fromText: (text) => parse(numberFromText(text)) };
}

export function boolean(): ValueType<boolean> {
  const expected = 'true or false';
  const parse = (raw: unknown): boolean => (typeof raw === 'boolean' ? raw : refuse(expected, raw));
  return {
    expected,
    parse,
    fromText: (text) => parse(text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text),
  };
}

export function text(expected = 'text', pattern?: RegExp): ValueType<string> {
  const parse = (raw: unknown): string => {
    if (typeof raw !== 'string' || raw === '' || (pattern !== undefined && !pattern.test(raw))) refuse(expected, raw);
    return raw;
  };
  return { expected, parse, fromText: parse };
}

export function choice<const T extends string>(...names: readonly T[]): ValueType<T> {
  const expected = names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)!}`;
  const parse = (raw: unknown): T => {
    const found = names.find((name) => name === raw);
    return found ?? refuse(expected, raw);
  };
  return { expected, parse, fromText: parse };
}

const BYTE_UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** A size in bytes, written as a number or with a binary unit: `8GiB`. Decimal units are refused, as they are never meant. */
export function bytes(least: number): ValueType<number> {
  const expected = `a size from ${showBytes(least)}, such as 512MiB or 8GiB`;
  const parse = (raw: unknown): number => {
    const match = typeof raw === 'string' ? /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(raw) : null;
    const unit = match === null ? undefined : BYTE_UNITS[match[2]!];
    const size = typeof raw === 'bigint' ? Number(raw) : match !== null && unit !== undefined ? Math.floor(Number(match[1]) * unit) : NaN;
    if (!Number.isSafeInteger(size) || size < least) refuse(expected, raw);
    return size;
  };
  return { expected, parse, fromText: parse };
}

/** `512MiB` and the like; the largest unit that divides. */
export function showBytes(size: number): string {
  for (const unit of ['TiB', 'GiB', 'MiB', 'KiB']) {
    const one = BYTE_UNITS[unit]!;
    if (size >= one && size % one === 0) return `${size / one}${unit}`;
  }
  return `${size}B`;
}

/** A file or folder; relative ones are resolved by the loader. */
export function path(expected = 'a path'): ValueType<string> {
  return { ...text(expected), path: 'always' };
}

/** A path where something is there, otherwise a name that a registry looks up. */
export function pathOrName(expected = 'a path or a name'): ValueType<string> {
  return { ...text(expected), path: 'if-it-exists' };
}

/** A list of texts; on a command line separated by commas. */
export function list(expected = 'a list of texts'): ValueType<readonly string[]> {
  const parse = (raw: unknown): readonly string[] => {
    if (!Array.isArray(raw)) refuse(expected, raw);
    return raw.map((item: unknown, index) => {
      if (typeof item === 'string' && item !== '') return item;
      throw new Mismatch(`expected ${expected}, but item ${index + 1} is ${item === '' ? 'empty' : shown(item)}`);
    });
  };
  return { expected, parse, fromText: (line) => parse(line === '' ? [] : line.split(',')) };
}

/** A list of taxonomy codes. YAML reads a bare `4.10` as the number 4.1, which is another leaf, so numbers are refused. */
export function codes(): ValueType<readonly string[]> {
  return list('a list of category codes or names in quotes, such as ["4.10", "crash.name_error"]');
}

/** A section of free keys with text values. */
export function textMap(expected: string): ValueType<Readonly<Record<string, string>>> {
  const parse = (raw: unknown): Readonly<Record<string, string>> => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) refuse(expected, raw);
    for (const value of Object.values(raw)) if (typeof value !== 'string' || value === '') refuse(expected, value);
    return raw as Record<string, string>;
  };
  const fromText = (line: string): Readonly<Record<string, string>> =>
    parse(
      Object.fromEntries(
        line
          .split(',')
          .filter((part) => part !== '')
          .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
      ),
    );
  return { expected, parse, fromText };
}

/** Null (YAML `null` or an empty value) stands for "decide for me"; on a command line `auto`. */
export function optional<T>(inner: ValueType<T>, meaning: string): ValueType<T | null> {
  return {
    ...inner,
    expected: `${inner.expected}, or null for ${meaning}`,
    parse: (raw) => (raw === null || raw === undefined ? null : inner.parse(raw)),
    fromText: (line) => (line === 'auto' ? null : inner.fromText(line)),
  };
}
