/**
 * ROUGE-L: the F1-score of the longest common subsequence of words.
 *
 * Source: C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", ACL workshop 2004, section 3; precision and recall
 * weigh alike, and words are neither stemmed nor put in lower case, which would say nothing of programs.
 */
import { longestCommonSubsequence } from './lcs.js';
import type { Pair } from './pair.js';

/** 2 LCS / (words of both): 1 for equal sequences, two empty ones among them, 0 where nothing is common. */
export function rougeL(pair: Pair): number {
  const both = pair.a.length + pair.b.length;
  return both === 0 ? 1 : (2 * longestCommonSubsequence(pair)) / both;
}
