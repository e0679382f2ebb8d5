/** How a command says that samples could not be judged because of their problem, and the exit code where the file is at fault. */
import { ExitCode } from '../errors.js';
import type { Unjudged } from '../pipeline/unjudged.js';
import { plural } from '../reports/render/format.js';
import { visibleLine } from '../reports/render/visible.js';
import { coloursOf } from './colours.js';
import type { Output } from './output.js';

const MOST_LINES = 5;

/** One line per problem, at most five and how many there are more; empty where every sample was judged. */
export function unjudgedLines(unjudged: readonly Unjudged[]): string[] {
  const lines = unjudged.slice(0, MOST_LINES).map(({ taskId, samples, reason }) => {
    // Some name it themselves.
    const named = reason.replace(/^the (test|prompt) (?!of )/, `the $1 of ${taskId} `);
    const why = /^the (test|prompt) of /.test(named) ? named : `${taskId}: ${named}`;
    return visibleLine(`${plural(samples, 'sample')} not judged: ${why}`);
  });
  const rest = unjudged.length - MOST_LINES;
  return rest > 0 ? [...lines, `and ${rest} more`] : lines;
}

/** Says which samples were left out because nobody can judge them. No error: there is nothing to correct. */
export function noteUnsupported(unsupported: readonly Unjudged[], output: Output): void {
  for (const { taskId, samples, reason } of unsupported.slice(0, MOST_LINES)) {
    output.note(visibleLine(`${plural(samples, 'sample')} of ${taskId} left out of every rate: ${reason}`));
  }
  if (unsupported.length > MOST_LINES) output.note(`and samples of ${unsupported.length - MOST_LINES} more`);
}

/** Says it on stderr and makes the command end as one with wrong input does. The outputs stay: what was judged is right. */
export function reportUnjudged(unjudged: readonly Unjudged[], output: Output): void {
  if (unjudged.length === 0) return;
  const colour = coloursOf(process.stderr);
  for (const line of unjudgedLines(unjudged)) output.note(`${colour.red('error:')} ${line}`);
  output.note(
    `${colour.cyan('hint:')} Correct the test or the prompt in the problem file, then run the command again; these samples are in no rate.`,
  );
  process.exitCode = ExitCode.input;
}
