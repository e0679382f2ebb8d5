/**
 * chrF3: the F-score of character n-grams for n = 1 to 6, recall weighing three times as much as precision, without white space.
 *
 * Source: M. Popović, "chrF: character n-gram F-score for automatic MT evaluation", WMT 2015, with the F-scores averaged over n as
 * NLTK's `sentence_chrf` does. (sacreBLEU averages precisions and recalls first and weighs by 2, so that its numbers differ.)
 */
import { ngramCounts } from './ngrams.js';
import type { Pair } from './pair.js';

const LONGEST = 6;
const RECALL_WEIGHT = 3 ** 2;

/**
 * From 0 to 1. n-grams that are longer than both texts are left out of the mean (NLTK counts them as 0, so that it gives equal short
 * texts less than 1). 1 where both are empty, 0 where one is.
 * @param pair code points without white space; `a` the reference, `b` the sample
 */
export function chrf(pair: Pair): number {
  const longest = Math.min(LONGEST, Math.max(pair.a.length, pair.b.length));
  if (longest === 0) return 1;
  let sum = 0;
  for (const { shared, ofA, ofB } of ngramCounts(pair, longest)) {
    if (shared === 0) continue;
    const precision = shared / ofB;
    const recall = shared / ofA;
    sum += ((1 + RECALL_WEIGHT) * precision * recall) / (RECALL_WEIGHT * precision + recall);
  }
  return sum / longest;
}
