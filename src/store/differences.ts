/** In which column two rows of one sample differ, where rows come from two databases. Pure: reads no database, and judges nothing. */
import { DECISION_FIELDS, toCategoryColumns, toDecisionColumns } from './decision-columns.js';
import { differingVerdictFields, VERDICT_FIELDS } from './executions.js';
import { sameBytes } from './samples.js';
import { MEASURE_COLUMNS } from './text-measures.js';
import type { DecisionRow, JudgedSample, StoredMeasures, StoredSample, TokenArrays } from './types.js';
import { toVerdictColumns } from './verdict-columns.js';

/** Columns of `samples` by field, and the tensors beside it. */
const SAMPLE_FIELDS = {
  completion: 'completion',
  rawText: 'discarded',
  finishReason: 'finish_reason',
  seed: 'seed',
  error: 'error',
  tokenCount: 'token_count',
} as const satisfies Partial<Record<keyof StoredSample, string>>;
const TENSORS = ['tokens', 'logprobs', 'entropies'] as const;

const CATEGORY_FIELDS = { categoryCode: 'code', categoryName: 'name', dou: 'dou', tambon: 'tambon', codehalu: 'codehalu' } as const;

/** The first differing column of two rows of one sample, such as `samples.completion`; null where they agree. Arrays are compared bit by bit. */
export function sampleDifference(
  a: StoredSample,
  b: StoredSample,
  arraysOf: { a: () => TokenArrays; b: () => TokenArrays },
): string | null {
  for (const [field, column] of Object.entries(SAMPLE_FIELDS) as [keyof typeof SAMPLE_FIELDS, string][]) {
    if (a[field] !== b[field]) return `samples.${column}`;
  }
  const [arraysA, arraysB] = [arraysOf.a(), arraysOf.b()];
  return TENSORS.find((name) => !sameBytes(arraysA[name], arraysB[name])) ?? null;
}

/** The same for what was made of a sample, in result columns alone. An `infra` verdict differs from nothing: any other replaces it. */
export function judgedDifference(a: JudgedSample, b: JudgedSample): string | null {
  const [verdictA, verdictB] = [toVerdictColumns(a.verdict), toVerdictColumns(b.verdict)];
  if (verdictA.status === 'infra' || verdictB.status === 'infra') return null;
  const [field] = differingVerdictFields(verdictA, verdictB);
  if (field !== undefined) return `verdicts.${VERDICT_FIELDS[field]}`;
  // In one of the databases another sample has shown that the problem's test is at fault; the decision then comes from that one.
  if (a.outcome === 'infra' || b.outcome === 'infra') return null;
  const [decisionA, decisionB] = [toDecisionColumns(a), toDecisionColumns(b)];
  for (const [name, column] of Object.entries(DECISION_FIELDS) as [keyof typeof DECISION_FIELDS, string][]) {
    if (decisionA[name] !== decisionB[name]) return `classifications.${column}`;
  }
  return categoryDifference(a, b);
}

/**
 * The same for text measures. `zlib_ratio` differs from nothing: another build of zlib may choose other matches, so that it is no sign of
 * another text.
 */
export function measuresDifference(a: StoredMeasures, b: StoredMeasures): string | null {
  const column = MEASURE_COLUMNS.find((each) => each !== 'zlib_ratio' && a[each] !== b[each]);
  return column === undefined ? null : `text_measures.${column}`;
}

/** The first differing column of two rows of one category. */
export function categoryDifference(a: DecisionRow, b: DecisionRow): string | null {
  const [categoryA, categoryB] = [toCategoryColumns(a), toCategoryColumns(b)];
  for (const [name, column] of Object.entries(CATEGORY_FIELDS) as [keyof typeof CATEGORY_FIELDS, string][]) {
    if (categoryA[name] !== categoryB[name]) return `categories.${column}`;
  }
  return null;
}
