/**
 * Cohen's kappa: how far two raters agree beyond what their own frequencies make agree by chance.
 *
 * Sources: J. Cohen, "A coefficient of agreement for nominal scales", Educ. Psychol. Meas. 20 (1960); the standard error is
 * J. L. Fleiss, J. Cohen and B. S. Everitt's, "Large sample standard errors of kappa and weighted kappa", Psychol. Bull. 72 (1969), eq. 13.
 */
import { normalQuantile } from './normal.js';

export interface Kappa {
  /** -1 to 1; null where nothing was rated, or where both raters used one and the same category alone: chance then agrees always. */
  readonly value: number | null;
  /** Normal interval, cut at -1 and 1; for tens of items it is rough, and without width where raters agree on everything. Null with `value`. */
  readonly low: number | null;
  readonly high: number | null;
  /** Share of items on which they agree; null where nothing was rated. */
  readonly agreement: number | null;
}

/**
 * Kappa of two raters' labels for the same items, in the same order.
 * @throws RangeError where the lists differ in length
 */
export function cohensKappa(first: readonly string[], second: readonly string[], confidence = 0.95): Kappa {
  if (first.length !== second.length) throw new RangeError(`two raters with ${first.length} and ${second.length} labels`);
  const count = first.length;
  if (count === 0) return { value: null, low: null, high: null, agreement: null };
  const shares = (labels: readonly string[]): Map<string, number> => {
    const map = new Map<string, number>();
    for (const label of labels) map.set(label, (map.get(label) ?? 0) + 1 / count);
    return map;
  };
  const byFirst = shares(first);
  const bySecond = shares(second);
  const agreed = first.filter((label, item) => label === second[item]).length;
  const observed = agreed / count;
  // By counts, because the sums below would come to nearly 1 here, and the value to anything.
  if (agreed === count && byFirst.size === 1) return { value: null, low: null, high: null, agreement: 1 };
  let expected = 0;
  for (const [label, share] of byFirst) expected += share * (bySecond.get(label) ?? 0);
  const value = (observed - expected) / (1 - expected);

  // Each item's own term of the variance, for items on which they agree and for those on which they do not.
  let agreeing = 0;
  let differing = 0;
  for (let item = 0; item < count; item++) {
    const [a, b] = [first[item]!, second[item]!];
    if (a === b) agreeing += (1 - (byFirst.get(a)! + bySecond.get(a)!) * (1 - value)) ** 2 / count;
    else differing += ((bySecond.get(a) ?? 0) + (byFirst.get(b) ?? 0)) ** 2 / count;
  }
  const chance = (value - expected * (1 - value)) ** 2;
  const variance = Math.max(0, agreeing + (1 - value) ** 2 * differing - chance) / (count * (1 - expected) ** 2);
  const half = normalQuantile((1 + confidence) / 2) * Math.sqrt(variance);
  return { value, low: Math.max(-1, value - half), high: Math.min(1, value + half), agreement: observed };
}
