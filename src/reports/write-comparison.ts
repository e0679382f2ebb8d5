/** The files of a comparison of strategies. Where they go is the caller's; no report is in that folder. */
import { analysisJson } from './render/analysis-json.js';
import { renderComparison, type ComparisonPage } from './render/comparison-html.js';
import { differencesJson } from './render/differences-json.js';
import { groupsOf } from './render/html/sections/strategies.js';
import { figurePdf } from './render/pdf.js';
import { COMPARISON_PLOT_NAMES, drawPlot, standalone } from './render/plots/render.js';
import { strategiesPlot } from './render/plots/strategies.js';
import { STRATEGY_TABLES } from './render/tables/index.js';
import { replaceAll } from './write-report.js';

/** The analysis is of the first strategy, with all of them by their settings. */
export interface WrittenComparison extends ComparisonPage {
  /** As `differencesJson` takes them. */
  readonly pairs: readonly object[];
}

const FIGURE_FILES: readonly string[] = COMPARISON_PLOT_NAMES.flatMap((name) => [`figures/${name}.svg`, `figures/${name}.pdf`]);

/** What it may write or remove, as paths within the folder. */
export const COMPARISON_FILES: readonly string[] = [
  'comparison.html',
  'comparison.json',
  'differences.json',
  ...STRATEGY_TABLES.flatMap(({ name }) => [`tables/${name}.csv`, `tables/${name}.tex`]),
  ...FIGURE_FILES,
];

/**
 * Writes comparison.html, comparison.json (the analysis, as `faultline analyze` does), differences.json, the figure as SVG and PDF into `figures/` and each
 * table as CSV and LaTeX into `tables/` below `directory`, which is created. The figure is removed where there is nothing to draw and an earlier
 * comparison left one.
 * @param pause is awaited after the figure was drawn and between two files, until the first is replaced: by throwing it stops all
 * @returns the paths, comparison.html first
 * @throws FaultlineError as `writeReport`
 */
export async function writeComparison(directory: string, written: WrittenComparison, pause?: () => Promise<void>): Promise<string[]> {
  const { analysis, comparison, pairs } = written;
  const groups = groupsOf(comparison);
  const plot = groups.length === 0 ? null : await drawPlot(strategiesPlot(groups, comparison.bySetting.intervals));
  await pause?.();
  const json = (value: unknown): string[] => [`${JSON.stringify(value, null, 2)}\n`];
  const files = new Map<string, (string | Uint8Array)[]>([
    ['comparison.html', [renderComparison(written, plot)]],
    ['comparison.json', json(analysisJson(analysis))],
    ['differences.json', json(differencesJson(comparison, pairs))],
  ]);
  for (const table of STRATEGY_TABLES) {
    files.set(`tables/${table.name}.csv`, [table.csv(comparison)]);
    files.set(`tables/${table.name}.tex`, [table.latex(comparison)]);
  }
  if (plot !== null) {
    const svg = standalone(plot);
    files.set(`figures/${plot.name}.svg`, [svg]);
    files.set(`figures/${plot.name}.pdf`, [await figurePdf(svg, plot.description)]);
  }
  const gone = FIGURE_FILES.filter((name) => !files.has(name));
  return replaceAll(directory, files, pause === undefined ? { gone } : { gone, pause });
}
