/** 5.1, 5.3, 5.4 and 5.5: a limit that the supervisor saw. Memory has a file of its own, as it also shows as an exception. */
import type { LimitedResource } from '../../sandbox/verdict.js';
import type { Rule } from './rule.js';

/** A rule that holds where one of these limits was met. */
export function limit(...resources: readonly LimitedResource[]): Rule {
  return ({ verdict: { outcome, measurements } }) =>
    outcome.status === 'limit' && resources.includes(outcome.resource)
      ? `limit of ${outcome.resource} met, phase ${measurements.phase}`
      : null;
}
