/** What counting otherwise would say: pass@k on the assertions that prompts do not show, and shares of distinct programs. */
import type { HiddenAssertions } from '../../../analysis/hidden-assertions.js';
import type { ProgramShares, TwoShares } from '../../../analysis/programs.js';
import type { CategoryKey } from '../../../analysis/rows.js';
import { OUTCOMES, type CountedOutcome } from '../../../outcomes.js';
import type { Analyses, Intervals, ReportData } from '../../../report-data.js';
import type { Estimate } from '../../../statistics/bootstrap.js';
import { NO_VALUE, percent, percentInterval, plural, whole } from '../../format.js';
import { markup, type Markup } from '../markup.js';
import { table, type Column } from '../table.js';
import { warningsAt } from '../warnings.js';
import { outcomeName } from './outcomes.js';

export function assertionsSection({ hiddenAssertions, programs }: Analyses, data: ReportData): Markup {
  const { intervals } = data;
  return markup`<section id="assertions">
    <h2>Hidden assertions and distinct programs</h2>
    ${hidden(hiddenAssertions, intervals)} ${distinct(programs, intervals)} ${warningsAt(data, 'programs')}
  </section>`;
}

/** A share and its interval as two columns. */
export function estimateColumns<Row>(title: string, { confidence }: Intervals, of: (row: Row) => Estimate): Column<Row>[] {
  return [
    { title, numeric: true, cell: (row) => percent(of(row).value), sortBy: (row) => of(row).value ?? -1 },
    { title: `${confidence * 100} % interval`, numeric: true, cell: (row) => percentInterval(of(row)) },
  ];
}

function hidden(found: HiddenAssertions, intervals: Intervals): Markup {
  const { problems, assertions, samples, unknown, passAtK, table: cells, missing } = found;
  if (missing !== null) {
    return markup`<h3>On hidden assertions</h3>
      <p>Nothing to show: ${missing}.</p>`;
  }
  const shown = cells.both + cells.visibleOnly;
  return markup`<h3>On hidden assertions</h3>
    <p>
      The prompts of ${whole(problems.withVisible)} of ${plural(problems.marked, 'problem')} show ${whole(assertions.visible)} of their
      ${plural(assertions.total, 'assertion')}. The others are hidden: no prompt gives
      them away.
      ${problems.marked < problems.all && markup`Not marked, and in no number here: ${plural(problems.all - problems.marked, 'problem')}.`}
      ${problems.allVisible > 0 && markup`Without a hidden assertion, and in no rate here: ${plural(problems.allVisible, 'problem')}.`}
    </p>
    ${
      passAtK.length > 0 &&
      table(
        passAtK,
        [
          { title: 'k', header: true, numeric: true, cell: ({ k }) => whole(k), sortBy: ({ k }) => k },
          ...estimateColumns<(typeof passAtK)[number]>('all assertions', intervals, ({ all }) => all),
          ...estimateColumns<(typeof passAtK)[number]>('hidden alone', intervals, ({ hidden: only }) => only),
          ...(unknown > 0
            ? [
                {
                  title: 'hidden, at most',
                  numeric: true,
                  cell: ({ hiddenAtMost }: (typeof passAtK)[number]) => percent(hiddenAtMost.value),
                },
              ]
            : []),
          { title: 'problems', numeric: true, cell: ({ problems: count }) => whole(count) },
        ],
        { id: 'hidden-table', caption: 'pass@k on all assertions and on hidden ones alone' },
      )
    }
    <p class="aside">
      Over ${plural(samples, 'sample')}.
      ${unknown > 0 && markup`${plural(unknown, 'sample')} ended before it was known whether the hidden ones hold: counted as failing, and as passing under “at most”.`}
      ${
        shown > 0 &&
        markup`Where a prompt shows some, ${plural(shown, 'sample')} ${shown === 1 ? 'passes' : 'pass'} those, and ${whole(cells.both)} of these the
        rest too (${percent(cells.both / shown)}).`
      }
    </p>`;
}

interface Row extends TwoShares {
  readonly name: string;
}

function distinct({ samples, programs, distinct: share, outcomes, categories }: ProgramShares, intervals: Intervals): Markup {
  const columns = <Each extends TwoShares>(first: Column<Each>): Column<Each>[] => [
    first,
    { title: 'samples', numeric: true, cell: ({ samples: count }) => whole(count), sortBy: ({ samples: count }) => count },
    ...estimateColumns<Each>('share', intervals, ({ ofSamples }) => ofSamples),
    { title: 'programs', numeric: true, cell: ({ programs: count }) => whole(count), sortBy: ({ programs: count }) => count },
    ...estimateColumns<Each>('share', intervals, ({ ofPrograms }) => ofPrograms),
  ];
  const byOutcome = columns<TwoShares & { readonly outcome: CountedOutcome }>({
    title: 'outcome',
    header: true,
    cell: ({ outcome }) => outcomeName(outcome),
    sortBy: ({ outcome }) => OUTCOMES[outcome].label,
  });
  const byCategory = columns<Row>({ title: 'category', header: true, cell: ({ name }) => name, sortBy: ({ name }) => name });
  return markup`<h3>Samples and distinct programs</h3>
    <p>
      ${plural(samples, 'counted sample')} are ${plural(programs, 'distinct program')}, ${percent(share.value)} (interval
      ${percentInterval(share)}): equal completions of one problem are one. Shares of samples weigh a program by how often it came; shares of
      programs do not.
    </p>
    ${table(outcomes, byOutcome, { id: 'program-table', caption: 'Outcomes of samples and of distinct programs' })}
    ${
      categories.length > 0 &&
      table(
        categories.map((each): Row => ({ ...each, name: nameOf(each) })),
        byCategory,
        {
          id: 'program-category-table',
          caption: 'Categories of failing samples and of failing distinct programs',
          tall: categories.length > 20,
        },
      )
    }`;
}

/** Code and name, as the tables of analyses say them. */
export function nameOf({ code, name }: CategoryKey): string {
  return code === null ? name : `${code} ${name}`;
}

/** Code and name of what may be missing. */
export function nameOrNone(category: CategoryKey | null): string {
  return category === null ? NO_VALUE : nameOf(category);
}
