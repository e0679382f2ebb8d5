/** The summary that `run`, `analyze` and `report` end with. The numbers and their layout are `reports/render/text.ts`'s. */
import { join, relative } from 'node:path';
import type { ReportData } from '../reports/report-data.js';
import { renderText } from '../reports/render/text.js';

/** With `directory`, the last line is the path of the report: relative where that is shorter. */
export function renderSummary(report: ReportData, { directory }: { readonly directory?: string }): string {
  const terminal = process.stdout.isTTY;
  const text = renderText(report, { terminal, ...(terminal ? { width: process.stdout.columns } : {}) });
  if (directory === undefined) return text;
  const absolute = join(directory, 'report.html');
  const nearby = relative(process.cwd(), absolute);
  return `${text.trimEnd()}\n\nreport: ${nearby.length < absolute.length ? nearby : absolute}`;
}
