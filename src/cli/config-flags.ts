/**
 * The flags that override config entries: one row each, shared by the commands that take them. Their texts are checked by
 * the entry's own type, so a flag and a config line accept the same values.
 */
import { Option, type Command } from 'commander';
import { ENTRIES, type ConfigKey } from '../config/schema.js';
import type { FlagValue } from '../config/load.js';

interface FlagRow {
  readonly flag: `--${string}`;
  readonly argument: string;
  readonly key: ConfigKey;
}

const ROWS = [
  { flag: '--model', argument: '<dir>', key: 'model.path' },
  { flag: '--dtype', argument: '<dtype>', key: 'model.dtype' },
  { flag: '--device', argument: '<device>', key: 'model.device' },
  { flag: '--memory', argument: '<size>', key: 'model.memory' },
  { flag: '--threads', argument: '<n>', key: 'model.threads' },
  { flag: '--batch', argument: '<n>', key: 'model.batch' },
  { flag: '--problems', argument: '<file>', key: 'problems.path' },
  { flag: '--num-problems', argument: '<n>', key: 'problems.count' },
  { flag: '--template', argument: '<name>', key: 'problems.template' },
  { flag: '--samples', argument: '<n>', key: 'samples' },
  { flag: '--shard', argument: '<i/n>', key: 'shard' },
  { flag: '--seed', argument: '<n>', key: 'seed' },
  { flag: '--strategy', argument: '<name>', key: 'strategy.name' },
  { flag: '--temperature', argument: '<t>', key: 'strategy.temperature' },
  { flag: '--top-k', argument: '<k>', key: 'strategy.top_k' },
  { flag: '--top-p', argument: '<p>', key: 'strategy.top_p' },
  { flag: '--min-p', argument: '<p>', key: 'strategy.min_p' },
  { flag: '--typical', argument: '<p>', key: 'strategy.typical' },
  { flag: '--eta', argument: '<epsilon>', key: 'strategy.eta' },
  { flag: '--max-new-tokens', argument: '<n>', key: 'max_new_tokens' },
  { flag: '--prompt-boundary', argument: '<how>', key: 'prompt_boundary' },
  { flag: '--stop-policy', argument: '<policy>', key: 'stop_policy' },
  { flag: '--experiment', argument: '<name>', key: 'experiment' },
  { flag: '--python', argument: '<path>', key: 'sandbox.python' },
  { flag: '--workers', argument: '<n>', key: 'sandbox.workers' },
  { flag: '--outputs', argument: '<dir>', key: 'outputs.directory' },
  { flag: '--db', argument: '<file>', key: 'outputs.database' },
] as const satisfies readonly FlagRow[];

/** A flag without an argument that sets an entry to true. */
const SWITCHES = [{ flag: '--unsafe-no-sandbox', key: 'sandbox.unsafe' }] as const satisfies readonly {
  flag: `--${string}`;
  key: ConfigKey;
}[];

export type ConfigFlag = (typeof ROWS)[number]['flag'] | (typeof SWITCHES)[number]['flag'];

export const GENERATION_FLAGS = [
  '--model', '--dtype', '--device', '--memory', '--threads', '--batch', '--problems', '--num-problems', '--template', '--samples', '--shard',
  '--seed', '--strategy', '--temperature', '--top-k', '--top-p', '--min-p', '--typical', '--eta', '--max-new-tokens', '--prompt-boundary',
  '--stop-policy',
] as const satisfies readonly ConfigFlag[]; // prettier-ignore

export const EXECUTION_FLAGS = ['--python', '--workers', '--unsafe-no-sandbox'] as const satisfies readonly ConfigFlag[];

/** Adds the named flags, documented by their entries. */
export function addConfigFlags(command: Command, flags: readonly ConfigFlag[]): void {
  for (const row of ROWS) {
    if (!flags.includes(row.flag)) continue;
    const { doc, default: value } = ENTRIES[row.key];
    const shown = value === null || typeof value === 'object' ? '' : ` (default: ${String(value)})`;
    command.addOption(new Option(`${row.flag} ${row.argument}`, `${doc}${shown}`));
  }
  for (const row of SWITCHES) if (flags.includes(row.flag)) command.addOption(new Option(row.flag, ENTRIES[row.key].doc));
}

/** The given flags among those that set entries. `options` are commander's, by camel-case name. */
export function configFlagValues(options: Readonly<Record<string, string | boolean | undefined>>): FlagValue[] {
  const given: FlagValue[] = [];
  for (const { flag, key } of [...ROWS, ...SWITCHES]) {
    const value = options[camelCase(flag)];
    if (value === undefined) continue;
    given.push({ key, flag, text: String(value) });
  }
  return given;
}

function camelCase(flag: string): string {
  return flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
