/**
 * p-values of many tests, adjusted so that those below a bound hold at most that share of false findings, in the mean.
 *
 * Source: Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate: a practical and powerful approach to multiple
 * testing", JRSS B 57 (1995): the step-up procedure. Holds for tests that are independent or positively dependent.
 */

/**
 * Adjusted p-values, in the order given: p x m / rank, made monotone from the largest down, at most 1. Null stays null and is no test.
 * @throws RangeError where a value is no probability
 */
export function benjaminiHochberg(pValues: readonly (number | null)[]): (number | null)[] {
  const tests = pValues.flatMap((p, index) => (p === null ? [] : [{ p, index }]));
  for (const { p } of tests) if (!(p >= 0 && p <= 1)) throw new RangeError(`a p-value, not ${p}`);
  tests.sort((a, b) => a.p - b.p);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let least = 1;
  for (let rank = tests.length; rank >= 1; rank--) {
    const { p, index } = tests[rank - 1]!;
    // The quotient first: it is at least 1, so that rounding makes no value smaller than its p.
    least = Math.min(least, p * (tests.length / rank));
    adjusted[index] = least;
  }
  return adjusted;
}
