/**
 * CSV files that people had in their hands, read back: quoted cells of several lines, a byte order mark, semicolons where a spreadsheet
 * writes those. What writes CSV is `render/csv.ts`; its guard against formulas is taken off again here.
 */
import { CsvError, parse } from 'csv-parse/sync';
import { FaultlineError } from '../../errors.js';
import { unguard } from '../render/csv.js';

export interface TableRow {
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
  /** A text for each column of the table. */
  readonly cells: Readonly<Record<string, string>>;
}

export interface Table {
  /** For errors: as it was given. */
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
}

/** Reads a table with a header. Throws `input` with file and line where it is none, or lacks a column that is needed. */
export function readTable(text: string, file: string, needed: readonly string[], what: string): Table {
  const [header, ...records] = recordsOf(text, file);
  const columns = header?.cells.map((cell) => cell.trim()) ?? [];
  const missing = needed.filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    throw new FaultlineError('input', `has no column ${missing.join(', ')}, and is no ${what}`, {
      place: { file, line: 1 },
      hint: columns.length === 0 ? 'The file is empty.' : `Its columns are: ${columns.join(', ')}.`,
    });
  }
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) {
    throw new FaultlineError('input', `has two columns ${twice}`, { place: { file, line: 1 }, hint: 'Remove or rename one of them.' });
  }
  return {
    file,
    columns,
    rows: records.map(({ line, cells }) => ({
      line,
      cells: Object.fromEntries(columns.map((column, index) => [column, unguard(cells[index]!)])),
    })),
  };
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

interface RawRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

function recordsOf(text: string, file: string): RawRecord[] {
  // Names of columns hold neither mark, so that the header tells which one separates.
  const header = /^[^\r\n]*/.exec(text)![0];
  const delimiter = header.includes(';') && !header.includes(',') ? ';' : ',';
  const bytes = Buffer.from(text.replace(/^\ufeff/, ''), 'utf8');
  try {
    const found = parse(bytes, { delimiter, info: true, skip_empty_lines: true }) as unknown as readonly {
      readonly record: readonly string[];
      readonly info: { readonly bytes: number };
    }[];
    // By where records end, as the parser's own count takes a CRLF within a cell for two lines.
    let [at, line] = [0, 1];
    return found.map(({ record, info }) => {
      while (bytes[at] === NEWLINE || bytes[at] === RETURN) if (bytes[at++] === NEWLINE) line++;
      const begins = line;
      for (; at < info.bytes; at++) if (bytes[at] === NEWLINE) line++;
      return { line: begins, cells: record };
    });
  } catch (thrown) {
    if (!(thrown instanceof CsvError)) throw thrown;
    throw new FaultlineError('input', `is no CSV: ${thrown.message}`, {
      place: { file },
      hint: 'Save it as CSV again, with commas and double quotes.',
      cause: thrown,
    });
  }
}
