/** The warnings of one part of the page, where it makes its claim. */
import type { ClaimPlace, ReportData } from '../../report-data.js';
import { markup, type Markup } from './markup.js';

export function warningsAt({ warnings }: ReportData, at: ClaimPlace): Markup[] {
  return warnings
    .filter((warning) => warning.at === at)
    .map(
      ({ rule, text, reason, source }) =>
        markup`<p class="warning" role="note" data-rule="${rule}">${text} <small>Why: ${reason} (${source}).</small></p>`,
    );
}
