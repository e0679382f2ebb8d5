/**
 * pass@k of one problem. Knows nothing of intervals: those are taken over problems, in `bootstrap.ts`.
 *
 * Source: Chen et al., "Evaluating Large Language Models Trained on Code", arXiv:2107.03374 (2021), section 2.1:
 * the unbiased estimator 1 - C(n - c, k) / C(n, k), in the product form of their figure 3, which never overflows.
 */

/**
 * The probability that at least one of k samples, drawn without replacement from n of which c passed, passes.
 * @param n samples of the problem, an integer of at least k
 * @param c samples that passed, 0 to n
 * @param k an integer of at least 1
 * @throws RangeError when the numbers contradict each other: a caller's fault, never a user's
 */
export function passAtK(n: number, c: number, k: number): number {
  if (!Number.isInteger(n) || !Number.isInteger(c) || !Number.isInteger(k) || k < 1 || k > n || c < 0 || c > n) {
    throw new RangeError(`pass@k needs 1 <= k <= n and 0 <= c <= n, not n=${n} c=${c} k=${k}`);
  }
  if (n - c < k) return 1;
  let allFail = 1;
  for (let i = n - c + 1; i <= n; i++) allFail *= 1 - k / i;
  return 1 - allFail;
}
