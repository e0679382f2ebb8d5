/**
 * BLEU of one sample against one reference: the geometric mean of the n-gram precisions for n = 1 to 4, times the brevity penalty.
 * Sentence BLEU, smoothed; not the corpus score that papers on translation give, which pools counts over texts.
 *
 * Sources: K. Papineni et al., "BLEU: a method for automatic evaluation of machine translation", ACL 2002; the smoothing is
 * method 1 of B. Chen and C. Cherry, "A systematic comparison of smoothing techniques for sentence-level BLEU", WMT 2014, as NLTK
 * has it: a precision without any match counts 0.1 matches, except that without a single common word the score is 0.
 */
import { ngramCounts } from './ngrams.js';
import type { Pair } from './pair.js';

export const LONGEST_NGRAM = 4;
const SMOOTHING = 0.1;

/**
 * From 0 to 1. Where both sequences are shorter than four symbols, no longer n-grams than they have are asked about (NLTK asks all the
 * same, so that it gives equal short texts less than 1). 1 where both are empty, 0 where one is.
 * @param pair `a` the reference, `b` the sample
 */
export function bleu(pair: Pair): number {
  const precisions = ngramCounts(pair, longestOf(pair)).map(({ shared, ofB }) => ({ matches: shared, of: ofB }));
  return smoothedMean(pair, precisions);
}

/** Which n-grams are asked about: at least one of the two sequences must be long enough. */
export function longestOf({ a, b }: Pair): number {
  return Math.min(LONGEST_NGRAM, Math.max(a.length, b.length));
}

/**
 * BLEU's mean of shares, with smoothing and brevity penalty.
 * @param shares for n = 1 and up: matches, and what they are matches of (0 counts as 1)
 */
export function smoothedMean({ a, b }: Pair, shares: readonly { readonly matches: number; readonly of: number }[]): number {
  if (a.length === 0 && b.length === 0) return 1;
  if (b.length === 0 || shares[0]!.matches === 0) return 0;
  let logs = 0;
  for (const { matches, of } of shares) logs += Math.log((matches === 0 ? SMOOTHING : matches) / (of === 0 ? 1 : of));
  const brevity = b.length > a.length ? 1 : Math.exp(1 - a.length / b.length);
  return brevity * Math.exp(logs / shares.length);
}
