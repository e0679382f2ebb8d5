/** 8.10: what the prompt shows passes (its examples, or the assertions that repeat them), and something that it does not show fails. */
import type { Rule } from './rule.js';
import { trialsOf } from './trials.js';

export const hiddenOnly: Rule = (evidence) => {
  const { outcome, measurements } = evidence.verdict;
  if (outcome.status !== 'assertion') return null;
  const trials = trialsOf(evidence);
  const visible = trials.filter((trial) => trial.visible === true);
  if (visible.some(({ held }) => !held)) return null;
  const { examples } = measurements;
  if (examples !== null && examples.total > 0) {
    return examples.passed === examples.total ? `passes all ${examples.total} examples of the prompt` : null;
  }
  return visible.length > 0 ? `passes all ${visible.length} assertions that the prompt shows` : null;
};
