/**
 * The command line's outermost layer: arguments in, exit code out. Turns whatever was thrown into two lines on stderr.
 */
import { CommanderError } from 'commander';
import { ExitCode, FaultlineError } from '../errors.js';
import { describeError } from './output.js';
import { createProgram } from './program.js';

/** A reader that has seen enough (`| head`) closes the pipe; that is no fault, and there is nobody left to tell. */
function onClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(ExitCode.ok);
  throw error;
}

/** Runs one command. Never throws; returns the exit code. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  // For good: what was written last may meet the closed pipe after the command is over.
  if (!process.stdout.listeners('error').includes(onClosedPipe)) process.stdout.on('error', onClosedPipe);
  try {
    const program = await createProgram(args);
    await program.parseAsync(args, { from: 'user' });
    return currentExitCode();
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return ExitCode.ok;
    // A command that only holds others was given none of them: its help is on stderr, and says all there is to say.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return ExitCode.usage;
    const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
    process.stderr.write(describeError(error, process.env['FAULTLINE_DEBUG'] === '1'));
    return error instanceof FaultlineError ? error.exitCode : ExitCode.internal;
  }
}

/** A command that ran to its end may still say that something is amiss (`doctor`), through `process.exitCode`. */
function currentExitCode(): ExitCode {
  return (process.exitCode ?? ExitCode.ok) as ExitCode;
}

/** Commander's message `error: unknown option '--sampels'\n(Did you mean --samples?)` as an error with a hint. */
function usageError(error: CommanderError): FaultlineError {
  const [first = '', suggestion] = error.message.split('\n');
  return new FaultlineError('usage', first.replace(/^error: /, ''), {
    hint: suggestion === undefined ? 'Run it with --help to see what there is.' : suggestion.replace(/^\((.*)\)$/, '$1'),
    cause: error,
  });
}
