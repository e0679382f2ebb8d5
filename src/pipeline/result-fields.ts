/** What a line of results says about a sample, under HumanEval's names and ours: one list for every file that holds such lines. */
import { resultText } from '../reports/result-text.js';
import type { Frame, Local, Verdict } from '../sandbox/verdict.js';
import type { DecisionRow } from '../store/types.js';

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
  failing_locals: (verdict) => exceptionOf(verdict)?.locals ?? null,
  failing_frames: (verdict) => exceptionOf(verdict)?.frames ?? null,
  span_start: (_, { place }) => place?.range?.start ?? null,
  span_end: (_, { place }) => place?.range?.end ?? null,
  token_first: (_, { tokens }) => tokens?.first ?? null,
  token_last: (_, { tokens }) => tokens?.last ?? null,
} as const satisfies Record<string, (verdict: Verdict, decision: DecisionRow) => unknown>;

/** The program's own exception, of whose place something is known; null where none ended it, or one of the test's. */
function exceptionOf({ outcome }: Verdict): { readonly locals: readonly Local[]; readonly frames: readonly Frame[] } | null {
  return 'exception' in outcome && outcome.status !== 'test_error' ? outcome.exception : null;
}

export type ResultFields = { readonly [Name in keyof typeof FIELDS]: ReturnType<(typeof FIELDS)[Name]> };

export const RESULT_FIELDS = Object.keys(FIELDS) as readonly (keyof ResultFields)[];

/** What a file of fresh executions says beside: of equal runs it may differ, so that it is no result. */
export interface ExecutedFields extends ResultFields {
  /** Where a program was that met its CPU limit, outermost first; null for others, and where it has not said. */
  readonly stopped_at: readonly Frame[] | null;
}

export const EXECUTED_FIELDS: readonly (keyof ExecutedFields)[] = [...RESULT_FIELDS, 'stopped_at'];

export function executedFields(verdict: Verdict, decision: DecisionRow): ExecutedFields {
  return { ...resultFields(verdict, decision), stopped_at: verdict.measurements.stack };
}

export function resultFields(verdict: Verdict, decision: DecisionRow): ResultFields {
  // The table pairs every name with its own type, which a loop over the names cannot show to the compiler.
  return Object.fromEntries(RESULT_FIELDS.map((name) => [name, FIELDS[name](verdict, decision)])) as unknown as ResultFields;
}
