/** 6.3: a system call that the filter answers with death. */
import type { Rule } from './rule.js';

export const forbiddenCall: Rule = ({ verdict: { outcome, measurements } }) =>
  outcome.status === 'forbidden' ? `${outcome.signal}, phase ${measurements.phase}` : null;
