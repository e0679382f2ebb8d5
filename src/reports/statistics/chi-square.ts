/**
 * Pearson's chi-square test of independence in a table of counts (categories by strategies), and Cramér's V as the size of what
 * it finds. The test takes every count for an independent one: samples of one problem are not, and with them its p-value
 * is too small. Count problems, or say so beside the number.
 *
 * Sources: K. Pearson, Phil. Mag. 50 (1900); H. Cramér, "Mathematical methods of statistics" (1946), section 21.9; the correction
 * is W. Bergsma's, "A bias-correction for Cramér's V and Tschuprow's T", J. Korean Stat. Soc. 42 (2013).
 */
import { chiSquareTail } from './gamma.js';

export interface ChiSquare {
  readonly statistic: number;
  /** (rows - 1) x (columns - 1), of those that have any count. */
  readonly degrees: number;
  /** 1 where `degrees` is 0: nothing can depend on anything. */
  readonly p: number;
  /** Share of cells in which fewer than 5 are expected; above a fifth the p-value is not to be trusted (W. G. Cochran, Biometrics 10, 1954). */
  readonly smallCells: number;
  /** 0 to 1; null where `degrees` is 0. Above 0 even for independent counts, the more the smaller the table's total. */
  readonly cramersV: number | null;
  /** The same with Bergsma's correction, which takes that bias off: the one to report. */
  readonly cramersVCorrected: number | null;
}

/**
 * The test of a table, [row][column]. Rows and columns without any count are left out. No correction for continuity.
 * @throws RangeError where rows differ in length, or a count is none
 */
export function chiSquareTest(table: readonly (readonly number[])[]): ChiSquare {
  const width = table[0]?.length ?? 0;
  for (const row of table) {
    if (row.length !== width) throw new RangeError(`a table with rows of ${width} and of ${row.length} counts`);
    for (const count of row)
      if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`a table needs counts from 0, not ${count}`);
  }
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  const rows = table.filter((row) => sum(row) > 0);
  const columns = Array.from({ length: width }, (_, column) => sum(rows.map((row) => row[column]!)));
  const total = sum(columns);
  const kept = columns.filter((count) => count > 0).length;
  const degrees = Math.max(0, rows.length - 1) * Math.max(0, kept - 1);

  let statistic = 0;
  let small = 0;
  for (const row of rows) {
    const rowTotal = sum(row);
    for (const [column, columnTotal] of columns.entries()) {
      if (columnTotal === 0) continue;
      const expected = (rowTotal * columnTotal) / total;
      statistic += (row[column]! - expected) ** 2 / expected;
      if (expected < 5) small++;
    }
  }
  const smallCells = total === 0 ? 0 : small / (rows.length * kept);
  if (degrees === 0) return { statistic: 0, degrees, p: 1, smallCells, cramersV: null, cramersVCorrected: null };
  return {
    statistic,
    degrees,
    p: chiSquareTail(statistic, degrees),
    smallCells,
    cramersV: Math.min(1, Math.sqrt(statistic / (total * Math.min(rows.length - 1, kept - 1)))),
    cramersVCorrected: corrected(statistic / total, rows.length, kept, total),
  };
}

/** Cramér's V without its bias; null for tables so small that the correction leaves no row or column. */
function corrected(meanSquare: number, rows: number, columns: number, total: number): number | null {
  const size = (count: number): number => count - (count - 1) ** 2 / (total - 1);
  const least = Math.min(size(rows), size(columns)) - 1;
  if (!(least > 0)) return null;
  return Math.min(1, Math.sqrt(Math.max(0, meanSquare - ((rows - 1) * (columns - 1)) / (total - 1)) / least));
}
