/** What a line of results says about a sample, under HumanEval's names and ours: one list for every file that holds such lines. */
import type { Verdict } from '../sandbox/verdict.js';
import type { StoredDecision } from './category-view.js';
import { resultText } from './result-text.js';

export interface ResultFields {
  readonly passed: boolean;
  readonly result: string;
  readonly outcome: string;
  readonly category: string | null;
  readonly category_code: string | null;
}

/** Their names, in the order in which they are written. */
export const RESULT_FIELDS = [
  'passed',
  'result',
  'outcome',
  'category',
  'category_code',
] as const satisfies readonly (keyof ResultFields)[];

export function resultFields(verdict: Verdict, decision: StoredDecision): ResultFields {
  return {
    passed: verdict.passed,
    result: resultText(verdict),
    outcome: decision.outcome,
    category: decision.categoryName,
    category_code: decision.categoryCode,
  };
}
