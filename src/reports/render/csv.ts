/**
 * CSV (RFC 4180: comma, double quotes, CRLF, one header line, UTF-8 without a mark) for pandas, DuckDB and spreadsheets. The report's
 * tables are `tables/`'s; the samples' columns stand here, as exports have them too.
 *
 * Spreadsheets run cells that begin like a formula, and names and messages here come from models. Such text cells get an
 * apostrophe in front (OWASP, "CSV injection"); so do cells that already begin with apostrophes before such a character, which makes the guard
 * reversible: {@link unguard}. Numbers are never guarded: pandas must read `-0.5` as a number.
 */
import type { JudgedSample } from '../../store/types.js';
import { describeFailure } from '../describe.js';

export type Cell = string | number | boolean | null;

/** One table: names of the columns, and how a row fills each. The order of the keys is the order of the columns. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>;

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
  changed_calls: ({ verdict }) => verdict.measurements.changedCalls,
  near_limit: ({ verdict }) => verdict.measurements.nearLimit,
  finish_reason: ({ finishReason }) => finishReason,
  tokens: ({ tokenCount }) => tokenCount,
  mean_logprob: ({ meanLogprob }) => meanLogprob,
} as const satisfies Columns<JudgedSample>;

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

/** A whole table. */
export function csvText<Row>(columns: Columns<Row>, rows: Iterable<Row>): string {
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
