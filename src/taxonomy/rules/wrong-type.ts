/**
 * 8.3: a returned value of another type than expected, or one of its shape that differs in nothing but the types within, in every failing
 * assertion that has an expected value; one that has no plain form (generator, dataclass, cycle); or one on which the test's own code failed.
 */
import type { Rule } from './rule.js';
import { describeException, quote } from './rule.js';
import { failuresShowing, inAllFailures, trialsOf } from './trials.js';

/**
 * Types that Python compares by value across the classes: here another type is not why the values differ. `bool` stands
 * apart although True == 1: a truth value for a number is another answer. FAMILIES in src/sandbox/python/relations.py by name,
 * for where the second pass did not get as far as the values; tests/contract compares the two.
 */
export const COMPARED_BY_VALUE: readonly ReadonlySet<string>[] = [
  new Set(['int', 'float', 'complex', 'Decimal', 'Fraction']),
  new Set(['set', 'frozenset']),
  new Set(['bytes', 'bytearray']),
  new Set(['dict', 'OrderedDict', 'defaultdict', 'Counter']),
];

export const wrongType: Rule = (evidence) => {
  const { outcome } = evidence.verdict;
  switch (outcome.status) {
    case 'unserialisable':
      return `returned a ${quote(outcome.typeName)}, which ${quote(outcome.reason)}`;
    case 'test_error':
      return `the test failed on the returned value: ${describeException(outcome.exception)}`;
    case 'assertion': {
      const { returnedType, expectedType } = outcome.assertion;
      const trials = trialsOf(evidence);
      const isOutside = returnedType !== null && expectedType !== null && areOtherTypes(returnedType, expectedType);
      if (!trials.some(({ relations }) => relations !== null)) {
        return isOutside ? `returned ${quote(returnedType)}, expected ${quote(expectedType)}` : null;
      }
      const count = failuresShowing(trials, 'type');
      if (count === 0) return null;
      return isOutside
        ? `returned ${quote(returnedType)}, expected ${quote(expectedType)}`
        : `values of other types than expected, or such within, ${inAllFailures(trials, count)}`;
    }
    default:
      return null;
  }
};

function areOtherTypes(one: string, other: string): boolean {
  return one !== other && !COMPARED_BY_VALUE.some((types) => types.has(one) && types.has(other));
}
