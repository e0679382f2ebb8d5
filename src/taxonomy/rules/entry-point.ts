/**
 * 1.5: the program loads, but cannot be called as the test calls it: the entry point is unbound or no callable, or it
 * takes other arguments. A wrong call from within the sample has a frame of the sample, and is 4.4.
 */
import type { Rule } from './rule.js';
import { describeException, innermostGenerated, isA } from './rule.js';
import { ARITY } from './type-error.js';

export const entryPoint: Rule = ({ verdict: { outcome }, entryPoint: name }) => {
  if (outcome.status === 'missing_entry_point') return `${name} is ${outcome.found === 'unbound' ? 'not defined' : 'not callable'}`;
  if (outcome.status !== 'exception' || outcome.phase !== 'call') return null;
  const { exception } = outcome;
  const fromTest = isA(exception, 'TypeError') && innermostGenerated(exception) === null && ARITY.test(exception.message);
  return fromTest ? `${name} takes other arguments: ${describeException(exception)}` : null;
};
