/** The report as one HTML file. The frame is `html/page.ts`'s, each section a file in `html/sections/`. */
import type { ReportData } from '../report-data.js';
import { markup } from './html/markup.js';
import { page } from './html/page.js';
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
  // Of nothing there is nothing to analyse, and a page of empty tables says less than one without them.
  const analyses = data.counts.counted === 0 ? null : data.analyses;
  return page({
    title: `${data.experiment.name}: failure report`,
    version: data.experiment.version,
    head: overview(data),
    sections: [
      ['outcomes', 'Outcomes'],
      ['taxonomy', 'Failure taxonomy'],
      ['problems', 'Problems'],
      ['pass-at-k', 'pass@k'],
      ...(analyses === null
        ? []
        : ([
            ['assertions', 'Hidden assertions'],
            ['dependence', 'What failures depend on'],
            ['positions', 'Where samples fail'],
          ] as const)),
      ['text-view', 'Text view'],
      ['worst', 'Worst samples'],
      ['samples', 'All samples'],
      ['method', 'How this was made'],
    ],
    main: markup`${keyFigures(data)} ${outcomesSection(data)} ${taxonomySection(data, plots.categories)} ${problemsSection(data, plots.problems)}
      ${passAtKSection(data, plots.passAtK)} ${
        analyses && [assertionsSection(analyses, data), dependenceSection(analyses, data), positionsSection(analyses, plots, data)]
      }
      ${textViewSection(data, plots.textView)} ${worstSection(data)} ${samplesSection(data)}
      ${methodSection(data)}`,
    foot:
      'The numbers as data, beside this page: report.json and samples.csv; every figure as SVG and PDF in figures/, every table as CSV ' +
      'and LaTeX in tables/.',
  });
}
