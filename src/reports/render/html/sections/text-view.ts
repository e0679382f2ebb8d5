/** What the texts alone would have said: areas by measure, and where the two views disagree. */
import { isImported } from '../../../../store/imported.js';
import { MEASURES } from '../../../../text-metrics/measures.js';
import { OUTCOMES } from '../../../outcomes.js';
import type { CategoryTold, Disagreement, ReportData, TextArea, TextTarget, TextView } from '../../../report-data.js';
import type { Estimate } from '../../../statistics/bootstrap.js';
import { NO_VALUE, decimal, plural, probability, whole } from '../../format.js';
import type { Plot } from '../../plots/render.js';
import { areaText } from '../../tables/text-view.js';
import { figure } from '../figure.js';
import { markup, type Markup } from '../markup.js';
import { table, type Column } from '../table.js';
import { warningsAt } from '../warnings.js';
import { outcomeName } from './outcomes.js';

export function textViewSection(data: ReportData, plot: Plot | null): Markup {
  const { textView, counts } = data;
  return markup`<section id="text-view">
    <h2>Text view against execution view</h2>
    ${
      textView === null
        ? markup`<p>No counted sample’s text has been measured. ${measuring(data)} does that and writes this page again.</p>`
        : [
            textView.unmeasured > 0 &&
              markup`<p class="warning" role="note">
                ${plural(textView.unmeasured, 'counted sample')} of ${whole(counts.counted)} ${textView.unmeasured === 1 ? 'has' : 'have'} not been
                measured and ${textView.unmeasured === 1 ? 'is' : 'are'} left out here. ${measuring(data)} goes on.
              </p>`,
            areas(textView),
            warningsAt(data, 'text_view'),
            categoryAreas(textView, plot),
            disagreements(textView),
            untold(textView),
          ]
    }
  </section>`;
}

/** The command that measures what is not measured yet: a run's stages know nothing of samples that were made elsewhere. */
function measuring({ experiment }: ReportData): Markup {
  return isImported(experiment)
    ? markup`The same <code>faultline import</code>, with the same file and flags,`
    : markup`<code>faultline run --only measure,report</code>, with the config and flags of the run,`;
}

/** A measure's areas for the two classes that everybody asks about. */
interface MeasureRow {
  readonly title: string;
  readonly better: string;
  readonly pass: TextArea;
  readonly crash: TextArea;
}

function areas({ targets, intervals }: TextView): Markup {
  const [pass, crash] = (['pass', 'crash'] as const).map((kind) => targets.find((target) => target.kind === kind)!) as [
    TextTarget,
    TextTarget,
  ];
  const rows = MEASURES.map(({ title, better }, i): MeasureRow => ({
    title,
    better,
    pass: pass.measures[i]!,
    crash: crash.measures[i]!,
  }));
  const column = (title: string, of: (row: MeasureRow) => Estimate): Column<MeasureRow> => ({
    title,
    numeric: true,
    cell: (row) => areaText(of(row)),
    sortBy: (row) => of(row).value ?? -1,
  });
  const missing = new Set(
    rows.flatMap((row) => [
      ...(row.pass.missing === null ? [] : [`pass: ${row.pass.missing}`]),
      ...(row.crash.missing === null ? [] : [`crash: ${row.crash.missing}`]),
    ]),
  );
  return markup`<p>
      How well each measure of a sample’s text tells passes, and crashes (outcomes load and crash), from the other samples: the area under the
      ROC curve of the raw value. 0.5 is chance; below it, the class has the smaller values. Nothing is turned round: which way is better by
      the textbook stands beside it. All pairs also compare samples of two problems, and so see how hard problems are; within problems is the
      mean over problems that have both. Intervals: ${intervals.confidence * 100} %, ${whole(intervals.resamples)} resamples of problems, not
      corrected for their number.
    </p>
    ${table(
      rows,
      [
        { title: 'measure', header: true, cell: ({ title }) => title, sortBy: ({ title }) => title },
        { title: 'better', cell: ({ better }) => better, sortBy: ({ better }) => better },
        column('pass, all pairs', (row) => row.pass.pooled),
        column('pass, within', (row) => row.pass.within),
        column('crash, all pairs', (row) => row.crash.pooled),
        column('crash, within', (row) => row.crash.within),
      ],
      { id: 'text-table', caption: 'Areas under the ROC curve by measure' },
    )}
    ${missing.size > 0 && markup`<p class="aside">${NO_VALUE}: too little to say (${[...missing].join('; ')}).</p>`}`;
}

/** A category's areas for one measure. */
interface CategoryRow {
  readonly code: string | null;
  readonly name: string;
  readonly measure: string;
  readonly rest: TextArea;
  readonly passes: TextArea;
}

function categoryAreas({ targets, least }: TextView, plot: Plot | null): Markup {
  const against = (which: TextTarget['against']) => targets.filter((target) => target.kind === 'category' && target.against === which);
  const passes = against('pass');
  const rows = against('rest').flatMap(({ code, name, measures }, i) =>
    measures.map((rest, m): CategoryRow => ({ code, name, measure: MEASURES[m]!.title, rest, passes: passes[i]!.measures[m]! })),
  );
  const column = (title: string, of: (row: CategoryRow) => Estimate): Column<CategoryRow> => ({
    title,
    numeric: true,
    cell: (row) => areaText(of(row)),
    sortBy: (row) => of(row).value ?? -1,
  });
  const smallest = `at least ${plural(least.samples, 'sample')} of ${plural(least.problems, 'problem')}`;
  return markup`<h3>Each category</h3>
    ${
      plot &&
      figure(
        plot,
        `Passes, crashes and each category with ${smallest} against all other samples: area within problems by measure; bold where its interval leaves 0.5 out.`,
      )
    }
    ${
      rows.length === 0
        ? markup`<p>No category has ${smallest}.</p>`
        : markup`<details class="numbers">
            <summary>The areas of categories with their intervals</summary>
            ${table(
              rows,
              [
                { title: 'code', cell: ({ code }) => code ?? NO_VALUE, sortBy: ({ code }) => code ?? '~' },
                { title: 'category', header: true, cell: ({ name }) => name, sortBy: ({ name }) => name },
                { title: 'measure', cell: ({ measure }) => measure, sortBy: ({ measure }) => measure },
                column('all pairs', ({ rest }) => rest.pooled),
                column('within', ({ rest }) => rest.within),
                column('from passes, within', ({ passes: { within } }) => within),
                {
                  title: 'adjusted p',
                  numeric: true,
                  cell: ({ passes: { adjustedP } }) => probability(adjustedP),
                  sortBy: ({ passes: { adjustedP } }) => adjustedP ?? 2,
                },
              ],
              { id: 'category-areas-table', caption: 'Areas under the ROC curve by category and measure', tall: true },
            )}
          </details>`
    }
    <p class="aside">
      In a paper, tables/text-view-best.tex has the measure that tells each class best; tables/text-view.csv has all of them.
    </p>`;
}

function disagreements({ similarFailures, dissimilarPasses }: TextView): Markup {
  return markup`<h3>Failures that look most like the solution</h3>
    ${
      similarFailures.length === 0
        ? markup`<p>No counted sample failed.</p>`
        : disagreementTable(similarFailures, 'similar-table', 'Failures most similar to the canonical solution')
    }
    <h3>Passes that look least like it</h3>
    ${
      dissimilarPasses.length === 0
        ? markup`<p>No counted sample passed.</p>`
        : disagreementTable(dissimilarPasses, 'dissimilar-table', 'Passes least similar to the canonical solution')
    }
    <p class="aside">
      Distinct programs by edit similarity, at most ten of each. <code>faultline show</code> prints a sample.
    </p>`;
}

function disagreementTable(rows: readonly Disagreement[], id: string, caption: string): Markup {
  return table(
    rows,
    [
      { title: 'problem', header: true, cell: ({ taskId }) => taskId, sortBy: ({ taskId }) => taskId },
      { title: 'sample', numeric: true, cell: ({ sampleIndex }) => whole(sampleIndex), sortBy: ({ sampleIndex }) => sampleIndex },
      { title: 'outcome', cell: ({ outcome }) => outcomeName(outcome), sortBy: ({ outcome }) => OUTCOMES[outcome].label },
      {
        title: 'category',
        cell: ({ categoryCode, categoryName }) => (categoryCode === null ? NO_VALUE : `${categoryCode} ${categoryName ?? ''}`),
        sortBy: ({ categoryCode }) => categoryCode ?? '~',
      },
      { title: 'edit similarity', numeric: true, cell: ({ similarity }) => decimal(similarity, 3), sortBy: ({ similarity }) => similarity },
      { title: 'samples with it', numeric: true, cell: ({ samples }) => whole(samples), sortBy: ({ samples }) => samples },
    ],
    { id, caption },
  );
}

function untold({ categories, least, targets, tests }: TextView): Markup {
  const isAsked = ({ key }: (typeof MEASURES)[number]): boolean =>
    targets.some(
      ({ against, measures }) => against === 'pass' && measures.some(({ measure, within }) => measure === key && within.value !== null),
    );
  const asked = MEASURES.filter(isAsked).length;
  const of = (told: CategoryTold['told']): readonly CategoryTold[] => categories.filter((category) => category.told === told);
  const [told, notShown, unknown] = [of('yes'), of('not_shown'), of('unknown')];
  return markup`<h3>Failures that no measure of the text tells from passes</h3>
    <p>
      Failures without a text-level counterpart, as far as can be shown: categories that none of the measures in the first
      table above (${whole(asked)} of ${whole(MEASURES.length)} have enough values to be asked) was shown to tell from passes of the same problems. Of none is the area within problems other than 0.5 at the level ${tests.level}. The p-values are by flipping signs of problems, and
      adjusted for all ${plural(tests.areas, 'area')} (measures times categories, max-T), so that chance alone tells any category apart in at most one
      report of twenty. That does not show that the texts are alike; with few problems little can be shown.
    </p>
    ${
      notShown.length === 0
        ? markup`<p>${told.length === 0 ? 'No category is large enough to say.' : 'There is none among the categories that are large enough to say.'}</p>`
        : table(
            notShown,
            [
              { title: 'code', cell: ({ code }) => code ?? NO_VALUE, sortBy: ({ code }) => code ?? '~' },
              { title: 'category', header: true, cell: ({ name }) => name, sortBy: ({ name }) => name },
              { title: 'samples', numeric: true, cell: ({ samples }) => whole(samples), sortBy: ({ samples }) => samples },
              { title: 'problems', numeric: true, cell: ({ problems }) => whole(problems), sortBy: ({ problems }) => problems },
              {
                title: 'of them with passes',
                numeric: true,
                cell: ({ mixedProblems }) => (mixedProblems === null ? NO_VALUE : whole(mixedProblems)),
                sortBy: ({ mixedProblems }) => mixedProblems ?? -1,
              },
            ],
            { id: 'untold-table', caption: 'Categories not shown to differ from passes in text' },
          )
    }
    <p class="aside">
      Shown to differ by at least one: ${names(told)}. Not looked at, for want of ${plural(least.samples, 'sample')} of
      ${plural(least.problems, 'problem')} or of ${plural(least.problems, 'problem')} with passes too: ${names(unknown)}.
    </p>`;
}

function names(categories: readonly CategoryTold[]): string {
  return categories.length === 0 ? 'none' : categories.map(({ code, name }) => `${code ?? ''} ${name}`.trim()).join(', ');
}
