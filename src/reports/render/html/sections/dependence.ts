/** What outcomes depend on and what occurs together: by difficulty, by length, categories with tags and with each other. */
import type { CategoryPair, CoOccurrence, TagPair } from '../../../analysis/co-occurrence.js';
import type { DimensionName, Group } from '../../../analysis/distribution.js';
import { OUTCOME_ORDER } from '../../../outcomes.js';
import type { Analyses, Intervals, ReportData } from '../../../report-data.js';
import { decimal, percent, whole } from '../../format.js';
import { tellingPairs } from '../../tables/category-tags.js';
import { distributionOf, mostFrequent } from '../../tables/distribution.js';
import { markup, type Markup } from '../markup.js';
import { table } from '../table.js';
import { warningsAt } from '../warnings.js';
import { estimateColumns, nameOf, nameOrNone } from './assertions.js';
import { costColumns } from './cost-columns.js';
import { outcomeBar } from './outcomes.js';

export function dependenceSection(analyses: Analyses, data: ReportData): Markup {
  const { intervals } = data;
  return markup`<section id="dependence">
    <h2>What failures depend on</h2>
    ${warningsAt(data, 'dependence')} ${by('difficulty', analyses, intervals)} ${by('length', analyses, intervals)}
    ${together(analyses.coOccurrence, warningsAt(data, 'co_occurrence'))}
  </section>`;
}

function by(dimension: DimensionName, analyses: Analyses, intervals: Intervals): Markup {
  const { groups, unit, missing } = distributionOf({ analyses }, dimension)!;
  const order = new Map(groups.map((group, i) => [group, i]));
  return markup`<h3>By ${dimension}</h3>
    ${
      missing !== null
        ? markup`<p>Nothing to compare: ${missing}.</p>`
        : table(
            groups,
            [
              {
                title: unit ?? dimension,
                header: true,
                cell: ({ value }) => markup`<span class="nowrap">${value ?? 'not recorded'}</span>`,
                sortBy: (group) => order.get(group)!,
              },
              { title: 'samples', numeric: true, cell: ({ samples }) => whole(samples), sortBy: ({ samples }) => samples },
              { title: 'outcomes', cell: bar },
              ...estimateColumns<Group>('pass', intervals, ({ pass }) => pass),
              ...estimateColumns<Group>('crash', intervals, ({ crash }) => crash),
              ...costColumns<Group>(),
              { title: 'most frequent failure', cell: (group) => nameOrNone(mostFrequent(group)) },
            ],
            { id: `${dimension}-table`, caption: `Outcomes by ${dimension}`, tall: groups.length > 20 },
          )
    }`;
}

function bar({ outcomes }: Group): Markup {
  return outcomeBar(
    OUTCOME_ORDER.flatMap((outcome) => {
      const count = outcomes[outcome];
      return count === undefined ? [] : [[outcome, count] as const];
    }),
    'mini',
  );
}

function together(found: CoOccurrence, warnings: readonly Markup[]): Markup {
  const tags = tellingPairs(found);
  const { problems } = found;
  return markup`<h3>Categories and what else is true of their samples</h3>
    ${
      tags.length === 0
        ? markup`<p>No failure has a tag.</p>`
        : markup`<p>
              A sample has one category and any number of tags. Lift is the tag’s share of the category’s failures over its share of all: 1 where
              it is as frequent here as elsewhere.
            </p>
            ${table<TagPair>(
              tags,
              [
                { title: 'category', header: true, cell: nameOf, sortBy: nameOf },
                { title: 'tag', cell: ({ tag, kind }) => (kind === 'generation' ? `also ${tag}` : tag), sortBy: ({ tag }) => tag },
                { title: 'failures', numeric: true, cell: ({ count }) => whole(count), sortBy: ({ count }) => count },
                { title: 'of category', numeric: true, cell: ({ share }) => percent(share), sortBy: ({ share }) => share },
                { title: 'of all failures', numeric: true, cell: ({ overall }) => percent(overall), sortBy: ({ overall }) => overall },
                { title: 'lift', numeric: true, cell: ({ lift }) => decimal(lift, 2), sortBy: ({ lift }) => lift },
              ],
              { id: 'tag-table', caption: 'Categories of failures with secondary tags', tall: tags.length > 15 },
            )}
            ${warnings}`
    }
    <h3>Two categories in one problem</h3>
    ${
      problems.length === 0
        ? markup`<p>No problem has failures of two categories.</p>`
        : markup`<p>How many problems have failures of both, beside how many there would be if categories fell on problems independently.</p>
            ${table<CategoryPair>(
              problems,
              [
                { title: 'one', header: true, cell: ({ a }) => nameOf(a), sortBy: ({ a }) => nameOf(a) },
                { title: 'another', cell: ({ b }) => nameOf(b), sortBy: ({ b }) => nameOf(b) },
                { title: 'problems with both', numeric: true, cell: ({ both }) => whole(both), sortBy: ({ both }) => both },
                {
                  title: 'if independent',
                  numeric: true,
                  cell: ({ expected }) => decimal(expected, 1),
                  sortBy: ({ expected }) => expected,
                },
              ],
              { id: 'pair-table', caption: 'Problems with failures of two categories', tall: problems.length > 15 },
            )}`
    }`;
}
