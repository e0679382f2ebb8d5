/** 8.11: some assertions hold. The ones before the first failing one count even where the second pass did not run. */
import type { Rule } from './rule.js';

export const partial: Rule = ({ verdict: { outcome, measurements } }) => {
  if (outcome.status !== 'assertion') return null;
  if (measurements.assertions !== null && measurements.assertions.passed > 0) {
    return `${measurements.assertions.passed} of ${measurements.assertions.total} assertions hold`;
  }
  return outcome.assertion.index > 0 ? `the first ${outcome.assertion.index} assertions hold` : null;
};
