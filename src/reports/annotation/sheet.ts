/**
 * The two files of a draw: the blind sheet, which is handed out, and the key, which is not. Writes and reads both; labels nothing.
 * Each row of either names its draw, so that a sheet cannot be scored against the key of another one.
 */
import { createHash } from 'node:crypto';
import { FaultlineError } from '../../errors.js';
import type { Experiment } from '../../store/types.js';
import type { Category } from '../../taxonomy/types.js';
import { csvTable } from '../render/csv.js';
import type { DrawnFailure, DrawOptions, Failure } from './draw.js';
import { FACTS, type ShownFailure } from './facts.js';
import { labelInFile } from './labels.js';
import { readTable, type Table, type TableRow } from './table.js';

/** Columns that people fill in. */
export const FILLED = ['label', 'note'] as const;
export const SHEET_COLUMNS = ['draw', 'id', ...Object.keys(FACTS), ...FILLED] as const;
const KEY_COLUMNS = [
  'draw', 'id', 'experiment', 'experiment_hash', 'strategy', 'task_id', 'sample_index', 'category_code', 'category', 'stratum_samples',
  'stratum_programs', 'stratum_drawn', 'program_samples', 'program_drawn', 'weight',
] as const; // prettier-ignore

/** A failure that may be drawn: what the draw needs, and what the sheet shows. */
export type DrawableFailure = Failure & ShownFailure;

/** A row of the key. */
export interface KeyRow {
  readonly id: string;
  readonly taskId: string;
  /** The classifier's leaf. */
  readonly code: string;
  readonly stratumSamples: number;
  readonly programSamples: number;
  readonly programDrawn: number;
}

export interface Key {
  readonly file: string;
  /** Digest of the draw. */
  readonly draw: string;
  readonly rows: readonly KeyRow[];
}

/** A row of a sheet; `label` as it was written, null where there is none yet. */
export interface SheetRow {
  readonly id: string;
  readonly line: number;
  readonly label: string | null;
}

export interface Sheet {
  readonly file: string;
  readonly draw: string;
  readonly rows: readonly SheetRow[];
}

/** Digits of a draw's digest: enough to tell draws apart, few enough to be read out. */
const DIGITS = 12;

/** What tells a draw from others: where it was drawn from, how, and which samples with which leaves came out. */
export function drawDigest(experiment: Experiment, options: DrawOptions, drawn: readonly DrawnFailure[]): string {
  const rows = drawn.map(({ failure }) => [failure.strategy, failure.taskId, failure.sampleIndex, failure.code]);
  const content = JSON.stringify([experiment.hash, options.count, options.floor, options.seed.toString(), rows]);
  const hex = createHash('sha256').update(content).digest('hex');
  // From a letter on that is no exponent: a spreadsheet would make a number of 12e456789012.
  const begin = hex.search(/[abcdf]/);
  return hex.slice(begin, begin + DIGITS);
}

/** Both files as text. Ids count through the rows, which are in random order. */
export function writeSheets(
  experiment: Experiment,
  options: DrawOptions,
  drawn: readonly DrawnFailure<DrawableFailure>[],
  leaves: readonly Category[],
): { readonly draw: string; readonly blind: string; readonly key: string } {
  const draw = drawDigest(experiment, options, drawn);
  const width = Math.max(3, String(drawn.length).length);
  const idOf = (index: number): string => `F${String(index + 1).padStart(width, '0')}`;
  const names = new Map(leaves.map(({ code, name }) => [code, name]));
  const blind = drawn.map(({ failure }, index) => [
    draw,
    idOf(index),
    ...Object.values(FACTS).map((fact: (of: ShownFailure) => string | number | null) => fact(failure)),
    null,
    null,
  ]);
  const key = drawn.map(({ failure, ...row }, index) => [
    draw,
    idOf(index),
    experiment.name,
    experiment.hash,
    failure.strategy,
    failure.taskId,
    failure.sampleIndex,
    failure.code,
    names.get(failure.code) ?? null,
    row.stratumSamples,
    row.stratumPrograms,
    row.stratumDrawn,
    row.programSamples,
    row.programDrawn,
    row.weight,
  ]);
  return { draw, blind: csvTable(SHEET_COLUMNS, blind), key: csvTable(KEY_COLUMNS, key) };
}

/** Reads a key. Throws `input` with file and line where it is none or contradicts itself. */
export function readKey(text: string, file: string, leaves: readonly Category[]): Key {
  const table = readTable(text, file, KEY_COLUMNS, 'key of a draw');
  const draw = identify(table);
  const codes = new Set(leaves.map(({ code }) => code));
  return {
    file,
    draw,
    rows: table.rows.map((row) => {
      const { id, task_id: taskId, category_code: code } = row.cells as Readonly<Record<string, string>> & { id: string; task_id: string };
      if (code === undefined || !codes.has(code)) {
        throw new FaultlineError('input', `the taxonomy has no leaf ${code}`, {
          place: { file, line: row.line },
          hint: 'The key must be as `faultline annotate draw` wrote it; a spreadsheet makes 4.1 of 4.10. Draw again with the same options.',
        });
      }
      return {
        id,
        taskId,
        code,
        stratumSamples: count(table, row, 'stratum_samples'),
        programSamples: count(table, row, 'program_samples'),
        programDrawn: count(table, row, 'program_drawn'),
      };
    }),
  };
}

/** Reads a sheet, whoever filled it in. Throws `input` with file and line where it is none or has an id twice. */
export function readSheet(text: string, file: string): Sheet & { readonly table: Table } {
  const table = readTable(text, file, ['draw', 'id', 'label'], 'sheet of a draw');
  return {
    file,
    draw: identify(table),
    rows: table.rows.map(({ line, cells }) => ({ id: cells['id']!, line, label: cells['label']!.trim() === '' ? null : cells['label']! })),
    table,
  };
}

/** The leaf that a row's label means, null without a label. Throws `input` with file, line and what there is. */
export function leafOfRow(sheet: Sheet, row: SheetRow, leaves: readonly Category[]): Category | null {
  if (row.label === null) return null;
  const label = labelInFile(row.label, leaves);
  if ('leaf' in label) return label.leaf;
  const place = { file: sheet.file, line: row.line };
  if ('ambiguous' in label) {
    const [first, second] = label.ambiguous;
    throw new FaultlineError('input', `${row.id}: the label ${row.label.trim()} may be what a spreadsheet made of ${second.code}`, {
      place,
      hint: `Write ${first.name} or ${second.name}.`,
    });
  }
  throw new FaultlineError('input', `${row.id}: unknown label ${JSON.stringify(row.label.trim())}`, {
    place,
    hint: `There are: ${leaves.map(({ code, name }) => `${code} ${name}`).join(', ')}.`,
  });
}

/** The draw that all rows name, after a look at their ids. */
function identify(table: Table): string {
  const { file, rows } = table;
  if (rows.length === 0)
    throw new FaultlineError('input', 'has no rows', { place: { file }, hint: 'Take the file of `faultline annotate draw`.' });
  const draw = rows[0]!.cells['draw']!;
  const lineOf = new Map<string, number>();
  for (const { line, cells } of rows) {
    if (cells['draw'] !== draw || draw === '') {
      throw new FaultlineError('input', `is of draw ${JSON.stringify(cells['draw'])} here, and of ${JSON.stringify(draw)} above`, {
        place: { file, line },
        hint: 'Keep the sheets of different draws apart, and the column draw as it was.',
      });
    }
    const id = cells['id']!;
    const before = lineOf.get(id);
    if (before !== undefined) {
      throw new FaultlineError('input', `has ${id} again, which stands in line ${before}`, {
        place: { file, line },
        hint: 'Remove one of the two rows.',
      });
    }
    lineOf.set(id, line);
  }
  return draw;
}

function count({ file }: Table, { line, cells }: TableRow, column: string): number {
  const text = cells[column]!;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new FaultlineError('input', `${column} is a whole number from 1 on, not ${JSON.stringify(text)}`, {
    place: { file, line },
    hint: 'The key must be as `faultline annotate draw` wrote it. Draw again with the same options.',
  });
}
