/** The files of a comparison of strategies. Where they go is the caller's; no report is in that folder. */
import type { Analysis } from './analysis/analysis.js';
import { analysisJson } from './render/analysis-json.js';
import { differencesJson } from './render/differences-json.js';
import { STRATEGY_TABLES } from './render/tables/index.js';
import type { StrategyComparison } from './strategy-comparison.js';
import { replaceAll } from './write-report.js';

export interface WrittenComparison {
  /** Of the first strategy, with all of them by their settings. */
  readonly analysis: Analysis;
  readonly comparison: StrategyComparison;
  /** As `differencesJson` takes them. */
  readonly pairs: readonly object[];
}

/** What it writes, as paths within the folder. */
export const COMPARISON_FILES: readonly string[] = [
  'comparison.json',
  'differences.json',
  ...STRATEGY_TABLES.flatMap(({ name }) => [`tables/${name}.csv`, `tables/${name}.tex`]),
];

/**
 * Writes comparison.json (the analysis, as `faultline analyze` does), differences.json and each table as CSV and LaTeX into `tables/` below
 * `directory`, which is created.
 * @returns the paths
 * @throws FaultlineError as `writeReport`
 */
export async function writeComparison(directory: string, { analysis, comparison, pairs }: WrittenComparison): Promise<string[]> {
  const json = (value: unknown): string[] => [`${JSON.stringify(value, null, 2)}\n`];
  const files = new Map<string, string[]>([
    ['comparison.json', json(analysisJson(analysis))],
    ['differences.json', json(differencesJson(comparison, pairs))],
  ]);
  for (const table of STRATEGY_TABLES) {
    files.set(`tables/${table.name}.csv`, [table.csv(comparison)]);
    files.set(`tables/${table.name}.tex`, [table.latex(comparison)]);
  }
  return replaceAll(directory, files);
}
