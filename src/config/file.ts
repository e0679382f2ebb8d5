/**
 * A config's YAML file: its entries and its section `strategies`, each value checked and with its place. Every error names file, line and
 * column. Knows nothing of defaults, environment and flags: `load.ts` puts those around it.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml';
import { FaultlineError, nearest, reasonOf, type Place } from '../errors.js';
import { ENTRIES, isConfigKey, isStrategyKey, KEYS, type ConfigKey } from './schema.js';
import { Mismatch } from './value-types.js';

/** An entry as a file gives it; paths are as they stand there. */
export interface FileValue {
  readonly key: ConfigKey;
  readonly value: unknown;
  readonly place: Place;
}

/** One row of the section `strategies`. */
export interface FileStrategy {
  readonly name: string;
  /** Of the name. */
  readonly place: Place;
  /** What it sets, instead of what the file's own entries do. */
  readonly values: readonly FileValue[];
}

export interface FileContent {
  readonly values: readonly FileValue[];
  /** Two at least, in the file's order; null without that section. */
  readonly strategies: { readonly place: Place; readonly rows: readonly FileStrategy[] } | null;
}

/** The section of a file that is no entry: it makes several configs of one. */
const STRATEGIES = 'strategies';

/** Which entries stand in a part of a file, and under which names there. */
interface Scope {
  readonly document: Document;
  readonly placeAt: (offset: number) => Place;
  /** Dotted. */
  readonly names: readonly string[];
  /** The entry behind one of the names. */
  readonly entryOf: (name: string) => ConfigKey;
  /** What messages say before a name, such as `strategies.cool.`. */
  readonly before: string;
  /** The next step for a name that is none; `prefix` is its section's, within the scope. */
  readonly hint: (name: string, prefix: string) => string;
}

/** Reads a config's file. Throws FaultlineError of kind `usage` (wrong content) or `input` (unreadable file). */
export function readConfigFile(file: string, cwd: string): FileContent {
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
  if (document.contents === null) return { values: [], strategies: null };
  if (!isMap(document.contents)) {
    throw new FaultlineError('usage', 'expected a section of `key: value` lines at the top', {
      place: placeAt(startOf(document.contents)),
      hint: 'faultline.yaml in the package is an example.',
    });
  }
  const scope: Scope = { document, placeAt, names: KEYS, entryOf: (name) => name as ConfigKey, before: '', hint: unknownKeyHint };
  const isStrategies = ({ key }: Pair<Node, Node | null>): boolean => isScalar(key) && key.value === STRATEGIES;
  const pairs = document.contents.items as Pair<Node, Node | null>[];
  const strategies = pairs.find(isStrategies);
  return {
    values: readPairs(scope, pairs.filter((pair) => !isStrategies(pair)), ''), // prettier-ignore
    strategies: strategies === undefined ? null : { place: placeAt(startOf(strategies.key)), rows: readStrategies(scope, strategies) },
  };
}

/** The rows of the section `strategies`; each is a section of its own, which may be empty. */
function readStrategies(scope: Scope, { key, value }: Pair<Node, Node | null>): FileStrategy[] {
  const { document, placeAt } = scope;
  const keyPlace = placeAt(startOf(key));
  const place = value === null ? keyPlace : placeAt(startOf(value));
  if (plainValue(value, document, place) !== null && !isMap(value)) {
    throw noSection(STRATEGIES, value, { place, hint: STRATEGIES_EXAMPLE });
  }
  const pairs = isMap(value) ? (value.items as Pair<Node, Node | null>[]) : [];
  if (pairs.length < 2) {
    const there = pairs.length === 0 ? 'nothing' : 'one strategy';
    throw new FaultlineError('usage', `${STRATEGIES}: expected at least two strategies to compare, got ${there}`, {
      place: keyPlace,
      hint: `${STRATEGIES_EXAMPLE} For one experiment leave the section out, and set \`strategy:\`.`,
    });
  }
  const rows = pairs.map((pair) => readStrategy(scope, pair));
  for (const [index, { name, place: at }] of rows.entries()) {
    const earlier = rows.findIndex((row) => row.name === name);
    if (earlier === index) continue;
    // YAML tells 1.0 from "1.0"; an experiment's name does not.
    throw new FaultlineError('usage', `${STRATEGIES}.${name}: the name of the strategy in line ${rows[earlier]!.place.line} again`, {
      place: at,
      hint: 'Give one of them another name: each becomes the end of the name of an experiment.',
    });
  }
  return rows;
}

function readStrategy({ document, placeAt }: Scope, pair: Pair<Node, Node | null>): FileStrategy {
  // As it is written: 1.0 is a name, and not the number 1.
  const name = isScalar(pair.key) ? (pair.key.source ?? String(pair.key.value)) : '?';
  const place = placeAt(startOf(pair.key));
  try {
    ENTRIES.experiment.type.fromText(name);
  } catch (thrown) {
    if (!(thrown instanceof Mismatch)) throw thrown;
    throw new FaultlineError('usage', thrown.about(`the name of a strategy in ${STRATEGIES}`), {
      place,
      hint: 'It becomes the end of the name of the experiment, such as methods-cool.',
    });
  }
  const valuePlace = pair.value === null ? place : placeAt(startOf(pair.value));
  if (plainValue(pair.value, document, valuePlace) === null) return { name, place, values: [] };
  if (!isMap(pair.value)) {
    const hint = `In it stand, such as \`{ temperature: 0.2 }\`, ${OWN_NAMES.join(', ')}.`;
    throw noSection(`${STRATEGIES}.${name}`, pair.value, { place: valuePlace, hint });
  }
  const scope: Scope = { document, placeAt, names: OWN_NAMES, entryOf: ownEntry, before: `${STRATEGIES}.${name}.`, hint: ownHint };
  return { name, place, values: readPairs(scope, pair.value.items as Pair<Node, Node | null>[], '') };
}

function noSection(shown: string, value: Node | null, options: { readonly place: Place; readonly hint: string }): FaultlineError {
  return new FaultlineError('usage', `${shown}: expected a section, got ${isSeq(value) ? 'a list' : 'a single value'}`, options);
}

const STRATEGIES_EXAMPLE = 'Such as `strategies: { greedy: { name: greedy }, cool: { temperature: 0.2 }, warm: { temperature: 0.8 } }`.';

const STRATEGY = 'strategy.';
/** What a strategy may set: what stands below `strategy:`, under the names that it has there, and how often it is drawn. */
const OWN_NAMES = KEYS.filter(isStrategyKey).map((key) => (key.startsWith(STRATEGY) ? key.slice(STRATEGY.length) : key));

function ownEntry(name: string): ConfigKey {
  return (isConfigKey(STRATEGY + name) ? STRATEGY + name : name) as ConfigKey;
}

function ownHint(name: string): string {
  if (isConfigKey(name)) return `${name} is the same for all strategies: it stands at the top of the file, or in its section there.`;
  const near = nearest(name.slice(name.lastIndexOf('.') + 1), OWN_NAMES);
  return near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `A strategy may set ${OWN_NAMES.join(', ')}.`;
}

/** The entries of one section of a scope; `prefix` is '' for the scope itself, else ends in a dot. */
function readPairs(scope: Scope, pairs: readonly Pair<Node, Node | null>[], prefix: string): FileValue[] {
  const { document, placeAt, names, before } = scope;
  const found: FileValue[] = [];
  for (const pair of pairs) {
    const name = prefix + (isScalar(pair.key) ? String(pair.key.value) : '?');
    const shown = before + name;
    const keyPlace = placeAt(startOf(pair.key));
    const valuePlace = pair.value === null ? keyPlace : placeAt(startOf(pair.value));
    const raw = plainValue(pair.value, document, valuePlace);
    if (names.includes(name)) {
      const key = scope.entryOf(name);
      const bare = bareKey(pair.value);
      if (bare !== null) {
        throw new FaultlineError('usage', `${shown}: the key ${bare.text} is not text`, {
          place: placeAt(bare.offset),
          hint: `Put it in quotes: "${bare.text}". YAML reads a bare 4.10 as the number 4.1.`,
        });
      }
      try {
        found.push({ key, value: ENTRIES[key].type.parse(raw), place: valuePlace });
      } catch (thrown) {
        if (!(thrown instanceof Mismatch)) throw thrown;
        const place = thrown.path.length === 0 ? valuePlace : placeAt(startOf(partOf(pair.value, thrown.path)));
        throw new FaultlineError('usage', thrown.about(shown), { place, hint: `${key}: ${ENTRIES[key].doc}` });
      }
    } else if (names.some((known) => known.startsWith(`${name}.`))) {
      if (raw === null) continue;
      if (!isMap(pair.value)) {
        throw new FaultlineError('usage', `${shown}: expected a section, got a single value`, {
          place: valuePlace,
          hint: `Below \`${name}:\` stand, indented, ${sectionKeys(names, `${name}.`).join(', ')}.`,
        });
      }
      found.push(...readPairs(scope, pair.value.items as Pair<Node, Node | null>[], `${name}.`));
    } else {
      throw new FaultlineError('usage', `unknown key ${shown}`, { place: keyPlace, hint: scope.hint(name, prefix) });
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

function sectionKeys(names: readonly string[], prefix: string): string[] {
  return [...new Set(names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length).split('.')[0]!))];
}

/** Neighbours by full name and by last part, because the usual slip is the right key in the wrong section. */
function unknownKeyHint(key: string, prefix: string): string {
  const last = key.slice(key.lastIndexOf('.') + 1);
  const lastOf = (known: string): string => known.slice(known.lastIndexOf('.') + 1);
  const alike = nearest(last, new Set(KEYS.map(lastOf))).flatMap((name) => KEYS.filter((known) => lastOf(known) === name));
  const near = [...new Set([...alike, ...nearest(key, [...KEYS, STRATEGIES])])].slice(0, 3);
  if (near.length > 0) return `Did you mean ${near.join(' or ')}?`;
  return `Known ${prefix === '' ? 'at the top' : `below ${prefix.slice(0, -1)}`}: ${sectionKeys([...KEYS, STRATEGIES], prefix).join(', ')}.`;
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

function firstLine(message: string): string {
  return message.split('\n')[0]!.trim();
}
