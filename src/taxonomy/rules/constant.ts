/**
 * 8.7: the same value whatever the arguments, or an argument as it was, in every call that returned one. A call that raises
 * answers nothing: 8.1 counts in the same way. A constant None is 8.1.
 */
import type { Rule } from './rule.js';

export const constant: Rule = ({ verdict: { outcome, measurements } }) => {
  if (outcome.status !== 'assertion') return null;
  switch (measurements.returns) {
    case 'constant':
      return 'returned the same value in every answered call';
    case 'argument':
      return 'returned an argument as it was in every answered call';
    default:
      return null;
  }
};
