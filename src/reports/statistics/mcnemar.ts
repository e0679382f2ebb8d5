/**
 * McNemar's test for pairs: whether two methods pass equally often where each was tried once on the same problems, as in greedy
 * decoding. With several samples of a problem pairs are not independent: then `paired-bootstrap.ts`.
 *
 * Sources: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", Psychometrika 12
 * (1947); the correction is A. L. Edwards's, Psychometrika 13 (1948); the mid-p test is recommended by M. W. Fagerland,
 * S. Lydersen and P. Laake, "The McNemar test for binary matched-pairs data", BMC Med. Res. Methodol. 13:91 (2013).
 */
import { fairBinomialCdf, fairBinomial } from './binomial.js';
import { chiSquareTail } from './gamma.js';

/** Two-sided p-values. */
export interface McNemar {
  /** By the binomial distribution; never too small, often too large. */
  readonly exact: number;
  /** The same with half the probability of what was seen: the one to report. */
  readonly midP: number;
  /**
   * (|b - c| - 1)^2 / (b + c), or 0 where b = c (as R has it: the correction moves towards no difference, never past it;
   * statsmodels squares the -1). Null where there is no pair to compare.
   */
  readonly statistic: number | null;
  /** By the chi-square distribution with one degree of freedom. */
  readonly chiSquare: number;
}

/**
 * Pairs in which both methods agree say nothing; without any other, every p-value is 1.
 * @param onlyFirst problems that the first method alone passed
 * @param onlySecond problems that the second one alone passed
 * @throws RangeError where a count is none
 */
export function mcnemar(onlyFirst: number, onlySecond: number): McNemar {
  for (const count of [onlyFirst, onlySecond]) {
    if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`McNemar's test needs counts from 0, not ${count}`);
  }
  const pairs = onlyFirst + onlySecond;
  if (pairs === 0) return { exact: 1, midP: 1, statistic: null, chiSquare: 1 };
  const fewer = Math.min(onlyFirst, onlySecond);
  const tail = 2 * fairBinomialCdf(fewer, pairs);
  const statistic = Math.max(0, Math.abs(onlyFirst - onlySecond) - 1) ** 2 / pairs;
  return {
    exact: Math.min(1, tail),
    midP: onlyFirst === onlySecond ? 1 : tail - fairBinomial(fewer, pairs),
    statistic,
    chiSquare: chiSquareTail(statistic, 1),
  };
}
