/** What the second pass says of the assertions, as several rules of 8 ask it. Decides nothing. */
import type { AssertionTrial, Relation } from '../../sandbox/verdict.js';
import type { Evidence } from '../types.js';

/** The assertions that were tried, for a sample whose first failure is a false assertion; empty elsewhere, and where none were tried. */
export function trialsOf({ verdict: { outcome, measurements } }: Evidence): readonly AssertionTrial[] {
  return outcome.status === 'assertion' ? (measurements.assertions?.trials ?? []) : [];
}

/**
 * How many failing trials have an expected value, where every one of them shows one of `relations`; 0 otherwise. All of
 * them, as a relation that explains some failures and not others is a coincidence as often as not.
 */
export function failuresShowing(trials: readonly AssertionTrial[], ...relations: readonly Relation[]): number {
  const compared = trials.filter((trial) => !trial.held && trial.relations !== null);
  return compared.every((trial) => relations.some((relation) => trial.relations!.includes(relation))) ? compared.length : 0;
}

/**
 * `in the only failing assertion`, `in all 4 failing assertions`: the second half of a line of evidence. Where others failed
 * without a value to compare (they raised, say), it says so.
 */
export function inAllFailures(trials: readonly AssertionTrial[], count: number): string {
  const failed = trials.filter(({ held }) => !held).length;
  if (count < failed) return `in ${count} of ${failed} failing assertions, the others have no values to compare`;
  return count === 1 ? 'in the only failing assertion' : `in all ${count} failing assertions`;
}
