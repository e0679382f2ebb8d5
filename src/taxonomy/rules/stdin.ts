/**
 * 5.4: asked for a line of input. A terminal would wait for one; here, as in every harness, there is none, and `input` says so at once. So
 * it stands beside what waits, in any phase, and is no crash of an unknown kind.
 */
import type { ExceptionInfo } from '../../sandbox/verdict.js';
import type { Rule } from './rule.js';
import { describeException, exceptionOf } from './rule.js';

export const stdin: Rule = (evidence) => {
  const exception = exceptionOf(evidence);
  return exception !== null && asksForInput(exception) ? describeException(exception) : null;
};

/** Whether an exception is `input`'s own, by its words: one that the sample raises itself is the sample's. */
export function asksForInput({ type, message, node }: ExceptionInfo): boolean {
  return type === 'EOFError' && message === 'EOF when reading a line' && node !== 'raise';
}
