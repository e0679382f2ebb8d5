/** What every command shares: flags that all have, help in one shape, config and interrupt. Holds no command. */
import type { Command } from 'commander';
import { loadConfig, loadStudy, type Config, type Study } from '../config/load.js';
import { FaultlineError, type ExitCode } from '../errors.js';
import { listenForInterrupt } from '../pipeline/interrupt.js';
import { Progress } from '../pipeline/progress.js';
import { configFlagValues } from './config-flags.js';
import { exitCodesHelp } from './exit-codes.js';
import { createOutput, type Output } from './output.js';

/** Commander's options by camel-case name: the text that was given, or true for a switch. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

export interface Help {
  readonly examples: readonly (readonly [command: string, what: string])[];
  readonly exitCodes: readonly (keyof typeof ExitCode)[];
}

/** Adds `--json`, the examples and the exit codes: every command ends its definition with this. */
export function finishDefinition(command: Command, help: Help): void {
  command.option('--json', 'Print exactly one JSON document on standard output');
  addHelp(command, help);
}

/** Adds examples and exit codes alone, to a command that only holds others. */
export function addHelp(command: Command, help: Help): void {
  const width = Math.max(...help.examples.map(([line]) => line.length));
  const examples = help.examples.map(([line, what]) => `  $ ${line.padEnd(width)}  ${what}`).join('\n');
  command.addHelpText('after', `\nExamples:\n${examples}\n${exitCodesHelp(help.exitCodes)}`);
}

/** `--experiment` of a command that reads what is stored. */
export function addExperimentFlag(command: Command): void {
  command.option('--experiment <name>', 'Name, hash or beginning of a hash; default: the newest experiment');
}

/** What an option that takes a value was given; undefined where it was not. */
export function textOf(option: string | boolean | undefined): string | undefined {
  return typeof option === 'string' ? option : undefined;
}

/** The whole number from 1 on that a flag was given; undefined where it was not. Throws `usage` for anything else. */
export function wholeNumberOf(flag: `--${string}`, option: string | boolean | undefined): number | undefined {
  if (typeof option !== 'string') return undefined;
  if (/^[1-9]\d{0,8}$/.test(option)) return Number(option);
  throw new FaultlineError('usage', `${flag} must be a whole number from 1 on, not ${option}`, { hint: `Such as \`${flag} 1000\`.` });
}

export function outputOf(options: Options): Output {
  return createOutput(options['json'] === true);
}

/** The config of a file (or the given default) with the given flags on top. */
export function configOf(file: string | undefined, options: Options): Config {
  return loadConfig({ file, flags: configFlagValues(options) });
}

/** The same of a config that may compare strategies. */
export function studyOf(file: string, options: Options): Study {
  return loadStudy({ file, flags: configFlagValues(options) });
}

/** Runs long work that Ctrl-C may stop, with progress on stderr; the listeners and the line are gone afterwards. */
export async function withInterrupt<T>(
  work: (context: { readonly signal: AbortSignal; readonly progress: Progress }) => Promise<T>,
): Promise<T> {
  const progress = new Progress(process.stderr);
  const interrupt = listenForInterrupt(resumeCommand(process.argv.slice(2)), () => {
    progress.note('stopping; Ctrl-C again ends it at once');
  });
  try {
    return await work({ signal: interrupt.signal, progress });
  } finally {
    progress.finish();
    interrupt.release();
  }
}

/** Work that keeps nothing until its end, with progress on stderr: Ctrl-C may end it at once. The line is gone afterwards. */
export async function withProgress<T>(work: (progress: Progress) => T | Promise<T>): Promise<T> {
  const progress = new Progress(process.stderr);
  try {
    return await work(progress);
  } finally {
    progress.finish();
  }
}

/** The command that was given, as a shell would read it back. */
export function resumeCommand(args: readonly string[]): string {
  const quoted = args.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`));
  return ['faultline', ...quoted].join(' ');
}
