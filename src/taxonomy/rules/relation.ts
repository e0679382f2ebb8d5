/** 8.4, 8.5, 8.6 and 8.8: every failing assertion that has an expected value differs from it in the same way. */
import type { Relation } from '../../sandbox/verdict.js';
import type { Rule } from './rule.js';
import { failuresShowing, inAllFailures, trialsOf } from './trials.js';

/** A rule that holds where one of these relations explains each failure; `what` begins the evidence. */
export function relation(what: string, ...relations: readonly Relation[]): Rule {
  return (evidence) => {
    const trials = trialsOf(evidence);
    const count = failuresShowing(trials, ...relations);
    return count === 0 ? null : `${what} ${inAllFailures(trials, count)}`;
  };
}
