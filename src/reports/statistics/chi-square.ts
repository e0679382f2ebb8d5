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
export function chiSquareTest(table: readonly ArrayLike<number>[]): ChiSquare {
  const width = table[0]?.length ?? 0;
  for (const row of table) {
    if (row.length !== width) throw new RangeError(`a table with rows of ${width} and of ${row.length} counts`);
    for (let i = 0; i < width; i++)
      if (!Number.isSafeInteger(row[i]) || row[i]! < 0) throw new RangeError(`a table needs counts from 0, not ${row[i]}`);
  }
  const { statistic, small, rows, columns, total } = pearson(table);
  const degrees = Math.max(0, rows - 1) * Math.max(0, columns - 1);
  const smallCells = total === 0 ? 0 : small / (rows * columns);
  if (degrees === 0) return { statistic: 0, degrees, p: 1, smallCells, cramersV: null, cramersVCorrected: null };
  return {
    statistic,
    degrees,
    p: chiSquareTail(statistic, degrees),
    smallCells,
    cramersV: Math.min(1, Math.sqrt(statistic / (total * Math.min(rows - 1, columns - 1)))),
    cramersVCorrected: corrected(statistic / total, rows, columns, total),
  };
}

/**
 * The statistic alone, of any numbers from 0: of counts that were weighted, whose distribution is not known, for tests by permutation.
 * @param table as `chiSquareTest` has it
 */
export function pearsonStatistic(table: readonly ArrayLike<number>[]): number {
  return pearson(table).statistic;
}

/** With how many rows and columns have any count, what they sum to, and in how many of their cells fewer than 5 are expected. */
function pearson(table: readonly ArrayLike<number>[]): { statistic: number; small: number; rows: number; columns: number; total: number } {
  const width = table[0]?.length ?? 0;
  // Plain loops: tests by permutation and intervals make tens of thousands of tables.
  const columnTotals = new Float64Array(width);
  const rowTotals = new Float64Array(table.length);
  let total = 0;
  for (let r = 0; r < table.length; r++) {
    const row = table[r]!;
    for (let i = 0; i < width; i++) {
      columnTotals[i]! += row[i]!;
      rowTotals[r]! += row[i]!;
    }
    total += rowTotals[r]!;
  }
  let [statistic, small, rows, columns] = [0, 0, 0, 0];
  for (let i = 0; i < width; i++) if (columnTotals[i]! > 0) columns++;
  for (let r = 0; r < table.length; r++) {
    if (rowTotals[r] === 0) continue;
    rows++;
    const row = table[r]!;
    for (let i = 0; i < width; i++) {
      if (columnTotals[i] === 0) continue;
      const expected = (rowTotals[r]! * columnTotals[i]!) / total;
      statistic += (row[i]! - expected) ** 2 / expected;
      if (expected < 5) small++;
    }
  }
  return { statistic, small, rows, columns, total };
}

/** Cramér's V without its bias; null for tables so small that the correction leaves no row or column. */
function corrected(meanSquare: number, rows: number, columns: number, total: number): number | null {
  const size = (count: number): number => count - (count - 1) ** 2 / (total - 1);
  const least = Math.min(size(rows), size(columns)) - 1;
  if (!(least > 0)) return null;
  return Math.min(1, Math.sqrt(Math.max(0, meanSquare - ((rows - 1) * (columns - 1)) / (total - 1)) / least));
}
