/** 9: passes, but not under every hash seed, not the data set's further test, or only slowly. */
import type { Rule } from './rule.js';

/** Times the CPU time of the reference solution; measured only above 50 ms, where it is no noise. */
export const SLOW = 10;

export const fragile: Rule = ({ verdict: { outcome, measurements } }) => {
  const { fragility } = measurements;
  if (outcome.status !== 'passed' || fragility === null) return null;
  const { hashSeeds, furtherTest, slowdown } = fragility;
  const signs = [
    hashSeeds.failed > 0 ? `fails under ${hashSeeds.failed} of ${hashSeeds.tried} further hash seeds` : [],
    furtherTest === false ? 'fails the further test' : [],
    // Not the figure itself, which differs from run to run.
    slowdown !== null && slowdown >= SLOW ? `takes ${SLOW} times the CPU time of the reference or more` : [],
  ].flat();
  return signs.length === 0 ? null : signs.join('; ');
};
