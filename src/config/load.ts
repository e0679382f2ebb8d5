/**
 * Puts a config together: defaults < file < environment < flags, remembering where each value came from. Every error
 * names the file, line and column, the variable or the flag. Reads nothing but the one file it is given, through `file.ts`.
 */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { FaultlineError, type Place } from '../errors.js';
import { defaultValues } from './defaults.js';
import { readConfigFile, type FileContent, type FileStrategy } from './file.js';
import { ENTRIES, environmentName, KEYS, type ConfigKey, type ConfigValues } from './schema.js';
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

/** One of several strategies of a config: an experiment of its own. */
export interface StrategyConfig {
  readonly name: string;
  /** Where the file names it. */
  readonly place: Place;
  /** The entries that it sets itself. */
  readonly own: readonly ConfigKey[];
  /** With the strategy's own values; the name of the experiment is still the one that all of them share. */
  readonly config: Config;
}

export interface Study {
  /** What all strategies share. */
  readonly config: Config;
  /** In the file's order, two at least; null for a config of one experiment. */
  readonly strategies: readonly StrategyConfig[] | null;
}

/**
 * Loads the config of one experiment. Throws FaultlineError of kind `usage` (wrong content, or a section `strategies`, which means several) or
 * `input` (unreadable file).
 */
export function loadConfig(options: LoadOptions = {}): Config {
  const { config, section } = load(options);
  if (section === null) return config;
  throw new FaultlineError('usage', 'strategies: this config compares several strategies, and one experiment is wanted here', {
    place: section.place,
    hint: `\`faultline run ${options.file ?? ''}\` runs each of them. For one, copy the file without this section, and set \`strategy:\` there.`,
  });
}

/**
 * Loads a config that may compare strategies. Throws as {@link loadConfig}, and `usage` for a flag or a variable that sets what its
 * strategies set themselves; one that sets `samples` sets it for all of them.
 */
export function loadStudy(options: LoadOptions = {}): Study {
  const { config, section, base } = load(options);
  if (section === null) return { config, strategies: null };
  refuseSharedSetters(config.origins, section.place);
  return { config, strategies: section.rows.map((row) => strategyConfig(config, row, base)) };
}

/** A config without regard to its section `strategies`, that section, and what relative paths in it are relative to. */
function load(options: LoadOptions): { readonly config: Config; readonly section: FileContent['strategies']; readonly base: string } {
  const cwd = options.cwd ?? process.cwd();
  const values: Record<string, unknown> = { ...defaultValues() };
  const origins = Object.fromEntries(KEYS.map((key) => [key, { from: 'default' }])) as Record<ConfigKey, Origin>;
  for (const key of KEYS) values[key] = resolvePath(ENTRIES[key].type, values[key], cwd);

  const content = options.file === undefined ? null : readConfigFile(options.file, cwd);
  const base = options.file === undefined ? cwd : dirname(resolve(cwd, options.file));
  for (const { key, value, place } of content?.values ?? []) {
    values[key] = resolvePath(ENTRIES[key].type, value, base);
    origins[key] = { from: 'file', place };
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
  const config = { values: values as unknown as ConfigValues, origins, file: options.file ?? null };
  return { config, section: content?.strategies ?? null, base };
}

/** A flag for all strategies would either not count where one has its own value, or make them equal to what their names deny. */
function refuseSharedSetters(origins: Config['origins'], place: Place): void {
  for (const key of KEYS.filter((key) => key.startsWith('strategy.'))) {
    const origin = origins[key];
    const setter = origin.from === 'flag' ? origin.flag : origin.from === 'environment' ? origin.variable : null;
    if (setter === null) continue;
    throw new FaultlineError('usage', `strategies: ${setter} sets ${key}, and the strategies of this section have their own`, {
      place,
      hint: `Leave ${setter} out, and change \`strategy:\` (what all of them share) or \`strategies:\` in the file.`,
    });
  }
}

/** The config of one strategy: what is shared, with its own values on top. */
function strategyConfig(shared: Config, { name, place, values: own }: FileStrategy, base: string): StrategyConfig {
  const values: Record<string, unknown> = { ...shared.values };
  const origins: Record<ConfigKey, Origin> = { ...shared.origins };
  for (const { key, value, place: at } of own) {
    const { from } = shared.origins[key];
    if (from === 'flag' || from === 'environment') continue;
    values[key] = resolvePath(ENTRIES[key].type, value, base);
    origins[key] = { from: 'file', place: at };
  }
  return { name, place, own: own.map(({ key }) => key), config: { values: values as unknown as ConfigValues, origins, file: shared.file } };
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
