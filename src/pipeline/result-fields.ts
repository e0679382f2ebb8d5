/** What a line of results says about a sample, under HumanEval's names and ours: one list for every file that holds such lines. */
import { resultText } from '../reports/result-text.js';
import type { Frame, Local, Verdict } from '../sandbox/verdict.js';
import type { DecisionRow } from '../store/types.js';
import { toVerdictColumns, type VerdictColumns } from '../store/verdict-columns.js';
import type { Executed } from './mismatch.js';

/**
 * In the order in which they are written. Other programs' lines have fields of their own, so plain words stand with a prefix; what is also a column of
 * the store's table `verdicts` has that column's name, and says what it says.
 */
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
  status: (_, __, { status }) => status,
  detail: (_, __, { detail }) => detail,
  exit_code: (_, __, { exitCode }) => exitCode,
  exception_type: (_, __, { exceptionType }) => exceptionType,
  exception_message: (_, __, { exceptionMessage }) => exceptionMessage,
  assertion_index: (_, __, { assertionIndex }) => assertionIndex,
  assertion_source: (_, __, { assertionSource }) => assertionSource,
  returned: (_, __, { returned }) => returned,
  returned_type: (_, __, { returnedType }) => returnedType,
  expected: (_, __, { expected }) => expected,
  expected_type: (_, __, { expectedType }) => expectedType,
  calls: (_, __, { calls }) => calls,
  changed_calls: (_, __, { changedCalls }) => changedCalls,
} as const satisfies Record<string, (verdict: Verdict, decision: DecisionRow, stored: VerdictColumns) => unknown>;

/** The program's own exception, of whose place something is known; null where none ended it, or one of the test's. */
function exceptionOf({ outcome }: Verdict): { readonly locals: readonly Local[]; readonly frames: readonly Frame[] } | null {
  return 'exception' in outcome && outcome.status !== 'test_error' ? outcome.exception : null;
}

export type ResultFields = { readonly [Name in keyof typeof FIELDS]: ReturnType<(typeof FIELDS)[Name]> };

export const RESULT_FIELDS = Object.keys(FIELDS) as readonly (keyof ResultFields)[];

/** What a file of fresh executions says beside: of equal runs it may differ, so that it is no result; and what executed. */
const MEASURED = {
  /** Where a program was that met its CPU limit, outermost first; null for others, and where it has not said. */
  stopped_at: ({ measurements }) => measurements.stack,
  /** First 2,000 characters. Of a killed program it depends on when the kill came. */
  stdout: ({ measurements }) => measurements.stdout,
  cpu_seconds: ({ measurements }) => measurements.cpuSeconds,
  wall_seconds: ({ measurements }) => measurements.wallSeconds,
  peak_memory_bytes: ({ measurements }) => measurements.peakMemoryBytes,
  near_limit: ({ measurements }) => measurements.nearLimit,
  python_version: (_, { pythonVersion }) => pythonVersion,
  isolation_tier: (_, { isolationTier }) => isolationTier,
} as const satisfies Record<string, (verdict: Verdict, executed: Executed) => unknown>;

export type ExecutedFields = ResultFields & { readonly [Name in keyof typeof MEASURED]: ReturnType<(typeof MEASURED)[Name]> };

export const MEASURED_FIELDS = Object.keys(MEASURED) as readonly (keyof typeof MEASURED)[];

export const EXECUTED_FIELDS: readonly (keyof ExecutedFields)[] = [...RESULT_FIELDS, ...MEASURED_FIELDS];

/** @param executed what the verdict was come to by */
export function executedFields(verdict: Verdict, decision: DecisionRow, executed: Executed): ExecutedFields {
  const measured = Object.fromEntries(MEASURED_FIELDS.map((name) => [name, MEASURED[name](verdict, executed)]));
  return { ...resultFields(verdict, decision), ...measured } as ExecutedFields;
}

export function resultFields(verdict: Verdict, decision: DecisionRow): ResultFields {
  const stored = toVerdictColumns(verdict);
  // The table pairs every name with its own type, which a loop over the names cannot show to the compiler.
  return Object.fromEntries(RESULT_FIELDS.map((name) => [name, FIELDS[name](verdict, decision, stored)])) as unknown as ResultFields;
}
