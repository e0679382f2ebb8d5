/**
 * Match of n-grams of Python's tokens in which a keyword weighs five times as much as any other token. One of CodeBLEU's four parts;
 * not CodeBLEU. Another of its parts is `ast-match.ts`.
 *
 * Source: S. Ren et al., "CodeBLEU: a method for automatic evaluation of code synthesis", arXiv:2009.10297 (2020), section 3.2, as its
 * authors' program computes it: shares of the reference's n-grams for n = 1 to 4, weighted for n = 1, with BLEU's smoothing and
 * brevity penalty. Three differences: tokens are Python's and not what stands between white space; a reference whose weights come to
 * less than 1 is measured against them and not against 1; and a sample shorter than its reference has BLEU's penalty, as in the paper, while the
 * program takes the length of a pair (tokens and weights), which is 2, for the reference's, so that its penalty spares all but single tokens.
 */
import { KEYWORDS } from '../python-scan.js';
import { longestOf, smoothedMean } from './bleu.js';
import { ngramCounts } from './ngrams.js';
import { pairOf } from './pair.js';

const KEYWORD = 1;
const OTHER = 0.2;

/** From 0 to 1: 1 for equal sequences, two empty ones among them, 0 where one is empty or nothing is common. */
export function weightedNgrams(reference: readonly string[], sample: readonly string[]): number {
  const pair = pairOf(reference, sample);
  const shares = ngramCounts(pair, longestOf(pair)).map(({ shared, ofA }) => ({ matches: shared, of: ofA }));
  if (shares.length > 0) shares[0] = weightedTokens(reference, sample);
  return smoothedMean(pair, shares);
}

/** The weight of the reference's tokens that the sample has too, each as often as there, and of all of them. */
function weightedTokens(reference: readonly string[], sample: readonly string[]): { matches: number; of: number } {
  const left = new Map<string, number>();
  for (const token of sample) left.set(token, (left.get(token) ?? 0) + 1);
  let matches = 0;
  let of = 0;
  for (const token of reference) {
    const weight = KEYWORDS.has(token) ? KEYWORD : OTHER;
    of += weight;
    const count = left.get(token) ?? 0;
    if (count === 0) continue;
    left.set(token, count - 1);
    matches += weight;
  }
  return { matches, of };
}
