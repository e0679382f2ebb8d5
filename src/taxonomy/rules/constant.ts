/** 8.7: the same value whatever the arguments, or an argument as it was. A constant None is 8.1. */
import type { Rule } from './rule.js';

export const constant: Rule = ({ verdict: { outcome, measurements } }) => {
  if (outcome.status !== 'assertion' || measurements.returns === null) return null;
  return measurements.returns === 'constant' ? 'returned the same value in every call' : 'returned an argument as it was in every call';
};
