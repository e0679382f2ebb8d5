/** What each exit code means, as `--help` and the README say it. The numbers stand in `errors.ts`. */
import { ExitCode } from '../errors.js';

export const EXIT_CODE_MEANINGS: Readonly<Record<keyof typeof ExitCode, string>> = {
  ok: 'done',
  internal: 'a fault of faultline itself',
  usage: 'a wrong flag, argument or config entry',
  input: 'a file that was given is missing, truncated or malformed, or the test of a problem is at fault',
  environment: 'this machine lacks something: an interpreter, isolation, the addon, the network',
  output: 'an output cannot be written',
  infrastructure: 'the sandbox failed three times in a row for reasons outside the samples',
  interrupted: 'stopped by Ctrl-C; the message says what is kept',
};

/** The section of `--help` that lists the codes a command can end with. */
export function exitCodesHelp(names: readonly (keyof typeof ExitCode)[]): string {
  const rows = names.map((name) => `  ${String(ExitCode[name]).padStart(3)}  ${EXIT_CODE_MEANINGS[name]}`);
  return `\nExit codes:\n${rows.join('\n')}\n`;
}
