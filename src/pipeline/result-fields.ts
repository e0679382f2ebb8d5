/** What a line of results says about a sample, under HumanEval's names and ours: one list for every file that holds such lines. */
import type { Verdict } from '../sandbox/verdict.js';
import type { DecisionRow } from '../store/types.js';
import { resultText } from './result-text.js';

/** In the order in which they are written. Other programs' lines have fields of their own, so plain words stand with a prefix. */
const FIELDS = {
  passed: ({ passed }) => passed,
  result: (verdict) => resultText(verdict),
  outcome: (_, { outcome }) => outcome,
  category: (_, { categoryName }) => categoryName,
  category_code: (_, { categoryCode }) => categoryCode,
  category_rule: (_, { rule }) => rule,
  category_evidence: (_, { evidence }) => evidence,
  category_dou: (_, { published }) => published?.dou ?? null,
  category_tambon: (_, { published }) => published?.tambon ?? null,
  category_codehalu: (_, { published }) => published?.codehalu ?? null,
  generation_code: (_, { generationCode }) => generationCode,
  secondary_tags: (_, { tags }) => tags,
  failing_line: (_, { place }) => place?.line ?? null,
  failing_column: (_, { place }) => place?.column ?? null,
  failing_node: (_, { node }) => node,
  span_start: (_, { place }) => place?.range?.start ?? null,
  span_end: (_, { place }) => place?.range?.end ?? null,
  token_first: (_, { tokens }) => tokens?.first ?? null,
  token_last: (_, { tokens }) => tokens?.last ?? null,
} as const satisfies Record<string, (verdict: Verdict, decision: DecisionRow) => unknown>;

export type ResultFields = { readonly [Name in keyof typeof FIELDS]: ReturnType<(typeof FIELDS)[Name]> };

export const RESULT_FIELDS = Object.keys(FIELDS) as readonly (keyof ResultFields)[];

export function resultFields(verdict: Verdict, decision: DecisionRow): ResultFields {
  // The table pairs every name with its own type, which a loop over the names cannot show to the compiler.
  return Object.fromEntries(RESULT_FIELDS.map((name) => [name, FIELDS[name](verdict, decision)])) as unknown as ResultFields;
}
