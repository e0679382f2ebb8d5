/** The summary that `run`, `analyze` and `report` end with. The numbers and their layout are `reports/render/text.ts`'s. */
import { join, relative } from 'node:path';
import type { ReportData } from '../reports/report-data.js';
import { renderText } from '../reports/render/text.js';

/** With `directory`, the last line is the path of the report: relative where that is shorter. */
export function renderSummary(report: ReportData, { directory }: { readonly directory?: string }): string {
  const terminal = process.stdout.isTTY;
  const text = renderText(report, { terminal, ...(terminal ? { width: process.stdout.columns } : {}) });
  if (directory === undefined) return text;
  return `${text.trimEnd()}\n\nreport: ${shortPath(join(directory, 'report.html'))}`;
}

/** An absolute path, relative where that is shorter. */
export function shortPath(absolute: string): string {
  const nearby = relative(process.cwd(), absolute);
  return nearby.length < absolute.length ? nearby : absolute;
}
