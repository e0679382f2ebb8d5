/** The warnings of one part of the page, where it makes its claim. */
import type { ClaimPlace, ReportData, ReportWarning } from '../../report-data.js';
import { markup, type Markup } from './markup.js';

export function warningsAt({ warnings }: ReportData, at: ClaimPlace): Markup[] {
  return warnings.filter((each) => each.at === at).map(warning);
}

export function warning({ rule, text, reason, source }: Omit<ReportWarning, 'at'>): Markup {
  return markup`<p class="warning" role="note" data-rule="${rule}">${text} <small>Why: ${reason} (${source}).</small></p>`;
}
