/** The failure taxonomy as a plot and as a table, and whether it says enough. */
import { OUTCOMES } from '../../../outcomes.js';
import type { CategoryShare, ReportData } from '../../../report-data.js';
import { NO_VALUE, percent, percentInterval, plural, whole } from '../../format.js';
import type { Plot } from '../../plots/render.js';
import { figure } from '../figure.js';
import { markup, type Markup } from '../markup.js';
import { table, type Column } from '../table.js';
import { warningsAt } from '../warnings.js';
import { outcomeName } from './outcomes.js';
import { browseLink } from './samples.js';

export function taxonomySection(data: ReportData, plot: Plot | null): Markup {
  const { categories, counts, intervals } = data;
  if (categories.length === 0) {
    return markup`<section id="taxonomy">
      <h2>Failure taxonomy</h2>
      <p>No counted sample failed.</p>
    </section>`;
  }
  const columns: Column<CategoryShare>[] = [
    { title: 'code', cell: ({ code }) => code ?? NO_VALUE, sortBy: ({ code }) => code ?? '~' },
    {
      title: 'category',
      header: true,
      cell: ({ name, residual, rule }) => markup`${name}${residual && markup` <span class="tag">residual</span>`}<small>${rule}</small>`,
      sortBy: ({ name }) => name,
    },
    {
      title: 'outcome',
      cell: ({ outcome }) => outcomeName(outcome),
      sortBy: ({ outcome }) => OUTCOMES[outcome].label,
    },
    { title: 'failures', numeric: true, cell: ({ code, count }) => browseLink(data, code, whole(count)), sortBy: ({ count }) => count },
    { title: 'share', numeric: true, cell: ({ share }) => percent(share.value), sortBy: ({ share }) => share.value ?? -1 },
    { title: `${intervals.confidence * 100} % interval`, numeric: true, cell: ({ share }) => percentInterval(share) },
    { title: 'problems', numeric: true, cell: ({ problems }) => whole(problems), sortBy: ({ problems }) => problems },
  ];
  return markup`<section id="taxonomy">
    <h2>Failure taxonomy</h2>
    <p>Why the ${plural(counts.failed, 'failing sample')} failed. Each falls in one category; shares are of all failures.</p>
    ${
      plot &&
      figure(
        plot,
        `Share of failures by category, grouped by outcome. Lines are ${intervals.confidence * 100} % intervals by bootstrap over problems.`,
      )
    }
    ${table(categories, columns, { id: 'category-table', caption: 'Failures by category' })}
    ${warningsAt(data, 'categories')} ${feasibility(data)} ${warningsAt(data, 'feasibility')}
  </section>`;
}

function feasibility({ feasibility: { outsideResidual, outsideOther, threshold, decision, undecided }, categories }: ReportData): Markup {
  const verdict = {
    proceed: markup`<b>Proceed.</b> The lower end exceeds ${percent(threshold)}: failures can be told apart well enough to study.`,
    stop: markup`<b>Do not proceed yet.</b> The lower end does not exceed ${percent(threshold)}: too many failures end in leaves that say
      little.`,
    undecided:
      undecided === 'partial'
        ? markup`<b>Undecided.</b> The decision is about the whole experiment, and these are a part of it.`
        : markup`<b>Undecided.</b> There are no failures to judge by.`,
  }[decision];
  const residual = categories.filter((category) => category.residual).map(({ code }) => code ?? 'none');
  return markup`<div class="decision" id="feasibility">
    <p>
      Outside residual leaves${residual.length > 0 && ` (here: ${residual.join(', ')})`}: <b>${percent(outsideResidual.value)}</b> of
      failures, interval ${percentInterval(outsideResidual)}. ${verdict}
    </p>
    <p class="aside">
      Outside the “other” leaves of errors alone (2.5, 3.10, 4.10): ${percent(outsideOther.value)}, interval
      ${percentInterval(outsideOther)}.
    </p>
  </div>`;
}
