/**
 * Puts a config together: defaults < file < environment < flags, remembering where each value came from. Every error
 * names the file, line and column, the variable or the flag. Reads nothing but the one file it is given.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair, type YAMLMap } from 'yaml';
import { FaultlineError, nearest, reasonOf, type Place } from '../errors.js';
import { defaultValues } from './defaults.js';
import { ENTRIES, environmentName, isConfigKey, KEYS, type ConfigKey, type ConfigValues } from './schema.js';
import { Mismatch, type ValueType } from './value-types.js';

/** Where a value came from. */
export type Origin =
  | { readonly from: 'default' }
  | { readonly from: 'file'; readonly place: Place }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'flag'; readonly flag: string };

export interface Config {
  readonly values: ConfigValues;
  readonly origins: Readonly<Record<ConfigKey, Origin>>;
  /** The file it was read from, as it was given; null without one. */
  readonly file: string | null;
}

/** A flag that sets an entry: `{ key: 'samples', flag: '--samples', text: '20' }`. */
export interface FlagValue {
  readonly key: ConfigKey;
  readonly flag: string;
  readonly text: string;
}

export interface LoadOptions {
  readonly file?: string | undefined;
  readonly flags?: readonly FlagValue[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** What relative paths in flags and variables are relative to; those in a file are relative to the file's folder. */
  readonly cwd?: string;
}

/** Loads a config. Throws FaultlineError of kind `usage` (wrong content) or `input` (unreadable file). */
export function loadConfig(options: LoadOptions = {}): Config {
  const cwd = options.cwd ?? process.cwd();
  const values: Record<string, unknown> = { ...defaultValues() };
  const origins = Object.fromEntries(KEYS.map((key) => [key, { from: 'default' }])) as Record<ConfigKey, Origin>;
  for (const key of KEYS) values[key] = resolvePath(ENTRIES[key].type, values[key], cwd);

  if (options.file !== undefined) {
    const base = dirname(resolve(cwd, options.file));
    for (const { key, value, place } of readFile(options.file, cwd)) {
      values[key] = resolvePath(ENTRIES[key].type, value, base);
      origins[key] = { from: 'file', place };
    }
  }
  const environment = options.environment ?? process.env;
  for (const key of KEYS) {
    const variable = environmentName(key);
    const given = environment[variable];
    if (given === undefined || given === '') continue;
    values[key] = resolvePath(ENTRIES[key].type, fromText(key, given, variable), cwd);
    origins[key] = { from: 'environment', variable };
  }
  for (const { key, flag, text } of options.flags ?? []) {
    values[key] = resolvePath(ENTRIES[key].type, fromText(key, text, flag), cwd);
    origins[key] = { from: 'flag', flag };
  }
  return { values: values as unknown as ConfigValues, origins, file: options.file ?? null };
}

/** The entries that decide results, as canonical JSON: sorted keys, seeds as decimal text. */
export function canonicalResults(values: ConfigValues): string {
  const deciding = KEYS.filter((key) => ENTRIES[key].decidesResults).sort();
  return JSON.stringify(Object.fromEntries(deciding.map((key) => [key, values[key]])), (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}

function fromText(key: ConfigKey, text: string, where: string): unknown {
  try {
    return ENTRIES[key].type.fromText(text);
  } catch (thrown) {
    if (!(thrown instanceof Mismatch)) throw thrown;
    throw new FaultlineError('usage', thrown.about(where), { hint: `${where} sets ${key}: ${ENTRIES[key].doc}` });
  }
}

function resolvePath(type: ValueType<unknown>, value: unknown, base: string): unknown {
  if (type.path === undefined || typeof value !== 'string' || isAbsolute(value)) return value;
  const full = join(base, value);
  // A name such as `gpt2` stays a name unless a file of that name is there, or it is spelled as a path.
  return type.path === 'always' || /^\.{1,2}(\/|$)/.test(value) || existsSync(full) ? full : value;
}

interface FileValue {
  readonly key: ConfigKey;
  readonly value: unknown;
  readonly place: Place;
}

function readFile(file: string, cwd: string): FileValue[] {
  let source: string;
  try {
    source = readFileSync(resolve(cwd, file), 'utf8');
  } catch (thrown) {
    throw new FaultlineError('input', `the config cannot be read: ${reasonOf(thrown)}`, {
      place: { file },
      hint: 'Give the path of a YAML file; without one, faultline.yaml of the package is used.',
      cause: thrown,
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, intAsBigInt: true, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col };
  };
  const broken = document.errors[0];
  if (broken?.code === 'MULTIPLE_DOCS') {
    throw new FaultlineError('usage', 'a second YAML document begins here, and a config is one', {
      place: placeAt(broken.pos[0]),
      hint: 'Remove the line `---`, or put the second document in a file of its own.',
    });
  }
  if (broken !== undefined) {
    throw new FaultlineError('usage', `not valid YAML: ${firstLine(broken.message)}`, {
      place: placeAt(broken.pos[0]),
      hint: 'Correct the line; faultline.yaml in the package is an example.',
    });
  }
  if (document.contents === null) return [];
  if (!isMap(document.contents)) {
    throw new FaultlineError('usage', 'expected a section of `key: value` lines at the top', {
      place: placeAt(startOf(document.contents)),
      hint: 'faultline.yaml in the package is an example.',
    });
  }
  return readSection(document, document.contents, '', placeAt);
}

/** The entries below one section; `prefix` is '' at the top, else ends in a dot. */
function readSection(document: Document, section: YAMLMap, prefix: string, placeAt: (offset: number) => Place): FileValue[] {
  const found: FileValue[] = [];
  for (const pair of section.items as Pair<Node, Node | null>[]) {
    const name = isScalar(pair.key) ? String(pair.key.value) : '?';
    const key = prefix + name;
    const keyPlace = placeAt(startOf(pair.key));
    const valuePlace = pair.value === null ? keyPlace : placeAt(startOf(pair.value));
    const raw = plainValue(pair.value, document, valuePlace);
    if (isConfigKey(key)) {
      const bare = bareKey(pair.value);
      if (bare !== null) {
        throw new FaultlineError('usage', `${key}: the key ${bare.text} is not text`, {
          place: placeAt(bare.offset),
          hint: `Put it in quotes: "${bare.text}". YAML reads a bare 4.10 as the number 4.1.`,
        });
      }
      try {
        found.push({ key, value: ENTRIES[key].type.parse(raw), place: valuePlace });
      } catch (thrown) {
        if (!(thrown instanceof Mismatch)) throw thrown;
        const place = thrown.path.length === 0 ? valuePlace : placeAt(startOf(partOf(pair.value, thrown.path)));
        throw new FaultlineError('usage', thrown.about(key), { place, hint: `${key}: ${ENTRIES[key].doc}` });
      }
    } else if (KEYS.some((known) => known.startsWith(`${key}.`))) {
      if (raw === null) continue;
      if (!isMap(pair.value)) {
        throw new FaultlineError('usage', `${key}: expected a section, got a single value`, {
          place: valuePlace,
          hint: `Below \`${key}:\` stand, indented, ${sectionKeys(`${key}.`).join(', ')}.`,
        });
      }
      found.push(...readSection(document, pair.value, `${key}.`, placeAt));
    } else {
      throw new FaultlineError('usage', `unknown key ${key}`, { place: keyPlace, hint: unknownKeyHint(key, prefix) });
    }
  }
  return found;
}

/** A node's value with its aliases resolved; one without an anchor, or a bomb of them, is an error at `place`. */
function plainValue(node: Node | null, document: Document, place: Place): unknown {
  try {
    return node === null ? null : (node.toJS(document) as unknown);
  } catch (thrown) {
    throw new FaultlineError('usage', `not valid YAML: ${firstLine(reasonOf(thrown))}`, {
      place,
      hint: 'A text that begins with * is an alias in YAML: put it in quotes if it is meant as text.',
      cause: thrown,
    });
  }
}

/** A key of a free section that YAML did not read as text, such as the code `4.10`; null where all are text. */
function bareKey(node: Node | null): { text: string; offset: number } | null {
  if (!isMap(node)) return null;
  for (const { key } of node.items as Pair<Node, Node | null>[]) {
    if (!isScalar(key) || typeof key.value === 'string') continue;
    return { text: key.source ?? String(key.value), offset: startOf(key) };
  }
  return null;
}

/** The innermost node on a path into a value; the value itself where nothing is there. */
function partOf(node: Node | null, path: readonly (string | number)[]): Node | null {
  const [part, ...rest] = path;
  if (part === undefined) return node;
  let inner: Node | null | undefined;
  if (isMap(node)) inner = (node.items as Pair<Node, Node | null>[]).find(({ key }) => isScalar(key) && key.value === part)?.value;
  if (isSeq(node)) inner = node.items[Number(part)] as Node | undefined;
  return inner == null ? node : partOf(inner, rest);
}

function sectionKeys(prefix: string): string[] {
  return [...new Set(KEYS.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length).split('.')[0]!))];
}

/** Neighbours by full name and by last part, because the usual slip is the right key in the wrong section. */
function unknownKeyHint(key: string, prefix: string): string {
  const last = key.slice(key.lastIndexOf('.') + 1);
  const lastOf = (known: string): string => known.slice(known.lastIndexOf('.') + 1);
  const alike = nearest(last, new Set(KEYS.map(lastOf))).flatMap((name) => KEYS.filter((known) => lastOf(known) === name));
  const near = [...new Set([...alike, ...nearest(key, KEYS)])].slice(0, 3);
  if (near.length > 0) return `Did you mean ${near.join(' or ')}?`;
  return `Known ${prefix === '' ? 'at the top' : `below ${prefix.slice(0, -1)}`}: ${sectionKeys(prefix).join(', ')}.`;
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

function firstLine(message: string): string {
  return message.split('\n')[0]!.trim();
}
