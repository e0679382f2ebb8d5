/** 6.2: death by signal. */
import type { Rule } from './rule.js';

export const signal: Rule = ({ verdict: { outcome, measurements } }) =>
  outcome.status === 'signal' ? `${outcome.signal}, phase ${measurements.phase}` : null;
