/** Rows under their columns, as a terminal shows them: aligned, one line each, with nothing in them that a screen would obey. */
import { shorten, visibleLine } from '../reports/render/visible.js';

export type TableCell = string | number | null;

/** Without a header where there are no columns. Numbers stand right; texts are cut at `most` characters. */
export function textTable(columns: readonly string[], rows: readonly (readonly TableCell[])[], most = 60): string {
  const texts = [columns, ...rows].map((row) => row.map((cell) => (cell === null ? '' : shorten(visibleLine(String(cell)), most))));
  const widths = columns.map((_, column) => Math.max(...texts.map((row) => row[column]!.length)));
  return texts
    .map((row, index) =>
      row
        .map((text, column) => {
          const isNumber = index > 0 && typeof rows[index - 1]![column] === 'number';
          return isNumber ? text.padStart(widths[column]!) : text.padEnd(widths[column]!);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
