/** The files of a comparison of strategies. They stand beside those of no report: each strategy has its own folder for that. */
import { join } from 'node:path';
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

/**
 * Writes comparison.json (the analysis, as `faultline analyze` does), differences.json and each table as CSV and LaTeX into `tables/` below
 * `directory`, which is created.
 * @param check told of each place that is to be replaced, before any is; throws for one that must stay
 * @returns the paths
 * @throws FaultlineError as `writeReport`
 */
export async function writeComparison(
  directory: string,
  { analysis, comparison, pairs }: WrittenComparison,
  check: (place: string) => void,
): Promise<string[]> {
  const json = (value: unknown): string[] => [`${JSON.stringify(value, null, 2)}\n`];
  const files = new Map<string, string[]>([
    ['comparison.json', json(analysisJson(analysis))],
    ['differences.json', json(differencesJson(comparison, pairs))],
  ]);
  for (const table of STRATEGY_TABLES) {
    files.set(`tables/${table.name}.csv`, [table.csv(comparison)]);
    files.set(`tables/${table.name}.tex`, [table.latex(comparison)]);
  }
  for (const name of files.keys()) check(join(directory, name));
  return replaceAll(directory, files);
}
