/**
 * Tables as CSV (RFC 4180: comma, double quotes, CRLF, one header line, UTF-8 without a mark) for pandas, DuckDB and spreadsheets.
 *
 * Spreadsheets run cells that begin like a formula, and names and messages here come from models. Such text cells get an
 * apostrophe in front (OWASP, "CSV injection"); so do cells that already begin with apostrophes before such a character, which makes the guard
 * reversible: {@link unguard}. Numbers are never guarded: pandas must read `-0.5` as a number.
 */
import type { JudgedSample } from '../../store/types.js';
import { describeFailure } from '../describe.js';
import { OUTCOME_ORDER } from '../outcomes.js';
import type { CategoryShare, OutcomeShare, PassAtK, ProblemRow, ReportData, TextArea, TextTarget } from '../report-data.js';

type Cell = string | number | boolean | null;

/** One table: names of the columns, and how a row fills each. The order of the keys is the order of the columns. */
type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>;

const CATEGORY_COLUMNS: Columns<CategoryShare> = {
  category_code: ({ code }) => code,
  category: ({ name }) => name,
  outcome: ({ outcome }) => outcome,
  residual: ({ residual }) => residual,
  failures: ({ count }) => count,
  share: ({ share }) => share.value,
  share_low: ({ share }) => share.low,
  share_high: ({ share }) => share.high,
  interval_method: ({ share }) => share.method,
  problems: ({ problems }) => problems,
  rule: ({ rule }) => rule,
};

const OUTCOME_COLUMNS: Columns<OutcomeShare> = {
  outcome: ({ outcome }) => outcome,
  samples: ({ count }) => count,
  share: ({ share }) => share.value,
  share_low: ({ share }) => share.low,
  share_high: ({ share }) => share.high,
  interval_method: ({ share }) => share.method,
};

const PASS_COLUMNS: Columns<PassAtK> = {
  k: ({ k }) => k,
  pass_at_k: ({ estimate }) => estimate.value,
  low: ({ estimate }) => estimate.low,
  high: ({ estimate }) => estimate.high,
  interval_method: ({ estimate }) => estimate.method,
  problems: ({ problems }) => problems,
};

const PROBLEM_COLUMNS: Columns<ProblemRow> = {
  task_id: ({ taskId }) => taskId,
  difficulty: ({ difficulty }) => difficulty,
  samples: ({ samples }) => samples,
  infra: ({ infra }) => infra,
  passes: ({ passes }) => passes,
  pass_at_1: ({ passAt1 }) => passAt1,
  ...Object.fromEntries(OUTCOME_ORDER.map((outcome) => [`outcome_${outcome}`, ({ outcomes }: ProblemRow) => outcomes[outcome] ?? 0])),
  top_category_code: ({ topCategory }) => topCategory?.code ?? null,
  top_category: ({ topCategory }) => topCategory?.name ?? null,
  top_category_failures: ({ topCategory }) => topCategory?.count ?? null,
  mean_tokens: ({ meanTokens }) => meanTokens,
};

const TEXT_COLUMNS: Columns<{ readonly target: TextTarget; readonly area: TextArea }> = {
  target: ({ target }) => target.kind,
  category_code: ({ target }) => target.code,
  category: ({ target }) => (target.kind === 'category' ? target.name : null),
  against: ({ target }) => target.against,
  measure: ({ area }) => area.measure,
  better: ({ area }) => area.better,
  positives: ({ area }) => area.positives,
  negatives: ({ area }) => area.negatives,
  pooled_auroc: ({ area }) => area.pooled.value,
  pooled_low: ({ area }) => area.pooled.low,
  pooled_high: ({ area }) => area.pooled.high,
  pooled_interval_method: ({ area }) => area.pooled.method,
  within_auroc: ({ area }) => area.within.value,
  within_low: ({ area }) => area.within.low,
  within_high: ({ area }) => area.within.high,
  within_interval_method: ({ area }) => area.within.method,
  mixed_problems: ({ area }) => area.mixedProblems,
  missing: ({ area }) => area.missing,
};

/** Result columns only, so that equal experiments give equal files; the programs are in `samples.jsonl`. */
export const SAMPLE_COLUMNS = {
  task_id: ({ taskId }) => taskId,
  sample_index: ({ sampleIndex }) => sampleIndex,
  strategy: ({ strategy }) => strategy,
  difficulty: ({ difficulty }) => difficulty,
  passed: ({ verdict }) => verdict.passed,
  outcome: ({ outcome }) => outcome,
  category_code: ({ categoryCode }) => categoryCode,
  category: ({ categoryName }) => categoryName,
  category_rule: ({ rule }) => rule,
  category_dou: ({ published }) => published?.dou.join('; ') ?? null,
  category_tambon: ({ published }) => published?.tambon.join('; ') ?? null,
  category_codehalu: ({ published }) => published?.codehalu.join('; ') ?? null,
  generation_code: ({ generationCode }) => generationCode,
  secondary_tags: ({ tags }) => tags.join(' '),
  status: ({ verdict }) => verdict.outcome.status,
  failure: ({ verdict }) => (verdict.passed ? null : describeFailure(verdict).headline),
  failing_line: ({ verdict }) => describeFailure(verdict).line,
  failing_node: ({ node }) => node,
  near_limit: ({ verdict }) => verdict.measurements.nearLimit,
  finish_reason: ({ finishReason }) => finishReason,
  tokens: ({ tokenCount }) => tokenCount,
  mean_logprob: ({ meanLogprob }) => meanLogprob,
} as const satisfies Columns<JudgedSample>;

export const categoriesCsv = (data: ReportData): string => whole(CATEGORY_COLUMNS, data.categories);
export const outcomesCsv = (data: ReportData): string => whole(OUTCOME_COLUMNS, data.outcomes);
export const passAtKCsv = (data: ReportData): string => whole(PASS_COLUMNS, data.passCurve);
export const problemsCsv = (data: ReportData): string => whole(PROBLEM_COLUMNS, data.problems);

/** The areas of every class and measure; the header alone where no text was measured. */
export const textViewCsv = (data: ReportData): string =>
  whole(TEXT_COLUMNS, data.textView?.targets.flatMap((target) => target.measures.map((area) => ({ target, area }))) ?? []);

/** One line after the other, header first: there may be hundreds of thousands of samples. */
export function samplesCsv(samples: Iterable<JudgedSample>): Iterable<string> {
  return lines(SAMPLE_COLUMNS, samples);
}

/** A table whose columns are not known before it is made. */
export function csvTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}

/** Takes the guard off a text cell again. */
export function unguard(cell: string): string {
  return GUARDED.test(cell) ? cell.slice(1) : cell;
}

// Characters that make a spreadsheet take a cell for a formula, their full-width twins included.
const RISKY = /^'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const GUARDED = /^'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;

function whole<Row>(columns: Columns<Row>, rows: Iterable<Row>): string {
  return [...lines(columns, rows)].join('');
}

function* lines<Row>(columns: Columns<Row>, rows: Iterable<Row>): Generator<string> {
  const fills = Object.values(columns);
  yield `${Object.keys(columns).join(',')}\r\n`;
  for (const row of rows) yield `${fills.map((fill) => cellText(fill(row))).join(',')}\r\n`;
}

function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  // NUL ends a line for many readers, and half a surrogate pair has no UTF-8: both are replaced, as an encoder would.
  const text = cell.replace(/\u0000|\p{Surrogate}/gu, '\ufffd');
  const guarded = RISKY.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(guarded) || guarded === '' ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
