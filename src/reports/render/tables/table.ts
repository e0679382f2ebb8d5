/**
 * What a table of the report, or of a comparison of strategies, is: one definition for both files it becomes, CSV with every column and LaTeX with those that a paper
 * prints. Holds no table: one file each beside this one, and the lists in `index.ts`. The page's own tables are `html/table.ts`'s.
 */
import type { ReportData } from '../../report-data.js';
import { csvText, type Cell } from '../csv.js';
import { latexTable } from '../latex.js';
import { shorten } from '../visible.js';

export interface TableColumn<Row> {
  /** The column's name in the CSV; null for one that is printed alone. */
  readonly key: string | null;
  readonly value: (row: Row) => Cell;
  /** How it is printed; columns without it are in the CSV alone. */
  readonly print?: {
    readonly title: string;
    /** Default: the value as text. */
    readonly cell?: (row: Row) => string;
    readonly numeric?: boolean;
    /** For long texts: printed whole, in several lines. Others are cut where they are longer than a name should be. */
    readonly wraps?: boolean;
  };
}

export interface TableSpec<Row, Data = ReportData> {
  /** File name without extension, and the LaTeX label behind `tab:`. */
  readonly name: string;
  readonly caption: (data: Data) => string;
  readonly rows: (data: Data) => readonly Row[];
  readonly columns: (data: Data) => readonly TableColumn<Row>[];
  /** Rows that are printed; default all. */
  readonly isPrinted?: (row: Row) => boolean;
}

/** Of a printed cell: a name from a config or a model may be any length, and the page is not. */
const MOST_CHARACTERS = 48;

/** The end of a caption: why the table has no rows, where it has none. */
export function untold(missing: string | null | undefined): string {
  return missing == null ? '' : ` Nothing to show: ${missing}.`;
}

/** A table with its rows' type forgotten. */
export interface ReportTable<Data = ReportData> {
  readonly name: string;
  csv(data: Data): string;
  latex(data: Data): string;
}

export function reportTable<Row, Data = ReportData>({
  name,
  caption,
  rows,
  columns,
  isPrinted = () => true,
}: TableSpec<Row, Data>): ReportTable<Data> {
  return {
    name,
    csv(data) {
      const shown = columns(data).filter(({ key }) => key !== null);
      return csvText(Object.fromEntries(shown.map(({ key, value }) => [key!, value])), rows(data));
    },
    latex(data) {
      const printed = columns(data).flatMap(({ value, print }) => (print === undefined ? [] : [{ value, print }]));
      return latexTable({
        caption: caption(data),
        label: name,
        columns: printed.map(({ print: { title, numeric = false, wraps = false } }) => ({ title, numeric, wraps })),
        rows: rows(data)
          .filter(isPrinted)
          .map((row) =>
            printed.map(({ value, print: { cell, wraps } }) => {
              const text = cell?.(row) ?? String(value(row) ?? '');
              return wraps === true ? text : shorten(text, MOST_CHARACTERS);
            }),
          ),
      });
    },
  };
}
