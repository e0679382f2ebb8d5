/** The binomial distribution of a fair coin: what McNemar's exact tests need, and no more. */
import { logGamma } from './gamma.js';

/**
 * The probability of exactly `k` heads in `n` throws. Relative error about n x 1e-16.
 * @param n a whole number from 0
 * @param k a whole number from 0 to `n`
 */
export function fairBinomial(k: number, n: number): number {
  return Math.exp(logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1) - n * Math.LN2);
}

/** The probability of `k` heads or fewer. Linear in k. */
export function fairBinomialCdf(k: number, n: number): number {
  let term = fairBinomial(k, n);
  let sum = 0;
  // From k down: the largest terms first, each from the one before.
  for (let i = k; i >= 0; i--) {
    sum += term;
    term *= i / (n - i + 1);
  }
  return Math.min(1, sum);
}
