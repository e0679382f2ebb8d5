/**
 * The report as one HTML file that needs nothing else: style, script and plots are inside, and its content security policy
 * forbids the network and any script but its own. Readable without the script, in light and dark, narrow, and on paper.
 */
import { createHash } from 'node:crypto';
import type { ReportData } from '../report-data.js';
import { markup, trusted } from './html/markup.js';
import { SCRIPT } from './html/script.js';
import { assertionsSection } from './html/sections/assertions.js';
import { dependenceSection } from './html/sections/dependence.js';
import { methodSection } from './html/sections/method.js';
import { outcomesSection } from './html/sections/outcomes.js';
import { keyFigures, overview } from './html/sections/overview.js';
import { passAtKSection } from './html/sections/pass-at-k.js';
import { positionsSection } from './html/sections/positions.js';
import { problemsSection } from './html/sections/problems.js';
import { samplesSection } from './html/sections/samples.js';
import { taxonomySection } from './html/sections/taxonomy.js';
import { textViewSection } from './html/sections/text-view.js';
import { worstSection } from './html/sections/worst.js';
import { STYLE } from './html/style.js';
import type { Plot } from './plots/render.js';

/** The plots of a report; null where there is nothing to draw. */
export interface ReportPlots {
  readonly categories: Plot | null;
  readonly problems: Plot | null;
  readonly passAtK: Plot | null;
  readonly failurePosition: Plot | null;
  readonly firstDivergence: Plot | null;
  readonly textView: Plot | null;
}

export function renderHtml(data: ReportData, plots: ReportPlots): string {
  const policy = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  // Of nothing there is nothing to analyse, and a page of empty tables says less than one without them.
  const analyses = data.counts.counted === 0 ? null : data.analyses;
  const page = markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${trusted(policy)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="faultline ${data.experiment.version}" />
        <meta name="color-scheme" content="light dark" />
        <title>${data.experiment.name}: failure report</title>
        <style>${trusted(STYLE)}</style>
      </head>
      <body>
        <header>
          ${overview(data)}
          <nav aria-label="Sections">
            <a href="#outcomes">Outcomes</a><a href="#taxonomy">Failure taxonomy</a><a href="#problems">Problems</a
            ><a href="#pass-at-k">pass@k</a>${
              analyses &&
              markup`<a href="#assertions">Hidden assertions</a><a href="#dependence">What failures depend on</a><a href="#positions"
                  >Where samples fail</a
                >`
            }<a href="#text-view">Text view</a><a href="#worst">Worst samples</a
            ><a href="#samples">All samples</a><a href="#method">How this was made</a>
          </nav>
        </header>
        <main>
          ${keyFigures(data)} ${outcomesSection(data)} ${taxonomySection(data, plots.categories)} ${problemsSection(data, plots.problems)}
          ${passAtKSection(data, plots.passAtK)} ${
            analyses && [assertionsSection(analyses, data), dependenceSection(analyses, data), positionsSection(analyses, plots, data)]
          }
          ${textViewSection(data, plots.textView)} ${worstSection(data)} ${samplesSection(data)}
          ${methodSection(data)}
        </main>
        <footer>
          The numbers as data, beside this page: report.json and samples.csv; every figure as SVG and PDF in figures/, every table as CSV
          and LaTeX in tables/.
        </footer>
        <script>${trusted(SCRIPT)}</script>
      </body>
    </html> `;
  return page.text;
}
