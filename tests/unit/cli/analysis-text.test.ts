/** What `analyze` prints of analyses that have little to show: the reasons, never a contradiction. */
import { describe, expect, it } from 'vitest';
import { analysisText } from '../../../src/cli/analysis-text.js';
import { renderHtml } from '../../../src/reports/render/html.js';
import { analysed, CATEGORIES, NO_PLOTS, sample } from '../reports/judged-samples.js';

describe('failing lines', () => {
  // As of completions with one line: `query` shows the line of each.
  const rows = [0, 1].map((sampleIndex) =>
    sample({
      sampleIndex,
      completion: '    return x\n',
      outcome: 'crash',
      categoryCode: '4.1',
      categoryName: 'crash.name_error',
      place: { line: 2, column: null, range: null },
    }),
  );
  const analysis = analysed(rows, { categories: CATEGORIES, resamples: 99 });

  it('of programs of one line are counted as such where no other is placed', () => {
    expect(analysis.failurePosition).toMatchObject({ failures: 2, oneLine: 2, withoutLine: 0 });
    expect(analysisText(analysis)).toContain('0 of 2 failures; without a line 0, in the prompt 0, in programs of one line 2');
    const { report, ...analyses } = analysis;
    const page = renderHtml({ ...report, analyses }, NO_PLOTS).replace(/\s+/g, ' ');
    expect(page).toContain('None of 2 failures has a failing line that could be placed. Without a line,');
    expect(page).toMatch(/in programs of one line, which fail nowhere else: 2\./);
  });
});
