/** The sections of a comparison of strategies: what came of each and at what price, each against the first, and what kinds their failures are of. */
import { hiddenPassOf, passSharesOf, type FamilyShare, type SettingGroup } from '../../../analysis/by-setting.js';
import type { Intervals } from '../../../report-data.js';
import type { Estimate } from '../../../statistics/bootstrap.js';
import type { StrategyComparison, StrategyPair, StrategyTest } from '../../../strategy-comparison.js';
import { COSTS } from '../../costs.js';
import { kindsText } from '../../failure-kinds.js';
import { decimal, NO_VALUE, percent, plural, points, pointsInterval, probability, whole } from '../../format.js';
import type { Plot } from '../../plots/render.js';
import { figure } from '../figure.js';
import { markup, type Markup } from '../markup.js';
import { table, type Column } from '../table.js';
import { estimateColumns, nameOf } from './assertions.js';

const NOTHING: Estimate = { value: null, low: null, high: null, method: 'none' };

/** The row's name: of groups of one experiment each. */
const named: Column<SettingGroup> = {
  title: 'strategy',
  header: true,
  cell: ({ experiments }) => experiments.join(', '),
  sortBy: ({ experiments }) => experiments.join(', '),
};

/** The groups of one experiment each, in the order of the config; empty where no problem could be compared. */
export function groupsOf({ bySetting: { tables } }: StrategyComparison): readonly SettingGroup[] {
  return tables.find(({ setting }) => setting === 'experiment')?.groups ?? [];
}

export function strategiesSection(comparison: StrategyComparison, plot: Plot | null): Markup {
  const { intervals, tables } = comparison.bySetting;
  const groups = groupsOf(comparison);
  if (groups.length === 0) {
    return markup`<section id="strategies">
      <h2>Strategies</h2>
      <p>Nothing to compare: ${tables[0]?.missing ?? 'no sample counts'}.</p>
    </section>`;
  }
  return markup`<section id="strategies">
    <h2>Strategies</h2>
    ${plot && figure(plot, `Samples that pass and that crash, by strategy, with ${intervals.confidence * 100} % intervals over problems.`)}
    ${table(
      groups,
      [
        named,
        { title: 'samples', numeric: true, cell: ({ samples }) => whole(samples), sortBy: ({ samples }) => samples },
        ...estimateColumns<SettingGroup>('pass', intervals, ({ pass }) => pass),
        ...estimateColumns<SettingGroup>('crash', intervals, ({ crash }) => crash),
      ],
      { id: 'strategies-table', caption: 'Passes and crashes by strategy' },
    )}
    <h3>What that cost</h3>
    ${table(
      groups,
      [
        named,
        ...COSTS.map(([title, text]): Column<SettingGroup> => ({ title, numeric: true, cell: ({ costs }) => text(costs) })),
        {
          title: 'tokens a sample',
          numeric: true,
          cell: ({ meanTokens }) => decimal(meanTokens, 1),
          sortBy: ({ meanTokens }) => meanTokens,
        },
      ],
      { id: 'costs-table', caption: 'Costs by strategy' },
    )}
    <p class="aside">Equal programs of a problem were executed once; times are summed over the executions that decided.</p>
    <h3>Hidden assertions and distinct programs</h3>
    <p>
      A prompt’s examples recur among the scored assertions: hidden are those that no prompt shows, and pass@1 on these alone is over the problems
      that have some. Equal completions of one problem are one program; shares of programs count each once, however often it came.
    </p>
    ${hiddenAndPrograms(groups, intervals)}
  </section>`;
}

function hiddenAndPrograms(groups: readonly SettingGroup[], intervals: Intervals): Markup {
  const hidden = groups.map(({ hiddenAssertions }) => hiddenAssertions);
  const unknown = hidden.reduce((sum, each) => sum + each.unknown, 0);
  return markup`${table(
    groups,
    [
      named,
      ...estimateColumns<SettingGroup>('hidden pass@1', intervals, (group) => hiddenPassOf(group)?.hidden ?? NOTHING),
      ...(unknown === 0
        ? []
        : [{ title: 'at most', numeric: true, cell: (group: SettingGroup) => percent(hiddenPassOf(group)?.hiddenAtMost.value ?? null) }]),
      { title: 'problems', numeric: true, cell: (group) => whole(hiddenPassOf(group)?.problems ?? 0) },
      { title: 'programs', numeric: true, cell: ({ programs }) => whole(programs.programs), sortBy: ({ programs }) => programs.programs },
      ...estimateColumns<SettingGroup>('of samples', intervals, ({ programs }) => programs.distinct),
      ...estimateColumns<SettingGroup>('pass', intervals, (group) => passSharesOf(group).ofPrograms),
      ...estimateColumns<SettingGroup>('crash', intervals, ({ programs }) => programs.crash.ofPrograms),
    ],
    { id: 'strategy-programs-table', caption: 'Passes on hidden assertions alone, and shares of distinct programs, by strategy' },
  )}
    ${hidden.every(({ passAtK }) => passAtK.length === 0) && markup`<p class="aside">On hidden assertions: ${hidden[0]?.missing ?? 'no problem has any'}.</p>`}
    ${
      unknown > 0 &&
      markup`<p class="aside">
        ${plural(unknown, 'sample')} ended before it was known whether the hidden assertions hold: counted as failing, and as passing under “at most”.
      </p>`
    }`;
}

export function strategyTestsSection({ against, tests, pairs, bySetting: { intervals } }: StrategyComparison): Markup {
  const interval = `${intervals.confidence * 100} % interval`;
  const strategy = <Row extends { readonly experiment: string }>(): Column<Row> => ({
    title: 'strategy',
    header: true,
    cell: ({ experiment }) => experiment,
    sortBy: ({ experiment }) => experiment,
  });
  return markup`<section id="tests">
    <h2>Each against ${against}</h2>
    <p>
      Differences in percentage points, over the problems that both have. p-values are by swaps of the two within problems; the adjusted ones by
      Benjamini and Hochberg for all rows of this table.
    </p>
    ${table<StrategyTest>(
      tests,
      [
        strategy(),
        { title: 'rate', cell: ({ rate }) => rate, sortBy: ({ rate }) => rate },
        { title: against, numeric: true, cell: ({ first }) => percent(first.share) },
        { title: 'its own', numeric: true, cell: ({ second }) => percent(second.share) },
        {
          title: 'difference',
          numeric: true,
          cell: ({ difference }) => points(difference.value),
          sortBy: ({ difference }) => difference.value ?? 0,
        },
        { title: interval, numeric: true, cell: ({ difference }) => pointsInterval(difference) },
        { title: 'p', numeric: true, cell: ({ difference }) => probability(difference.p) },
        { title: 'adjusted', numeric: true, cell: ({ adjustedP }) => probability(adjustedP), sortBy: ({ adjustedP }) => adjustedP ?? 1 },
      ],
      { id: 'tests-table', caption: `Rates of each strategy against ${against}` },
    )}
    <h3>Pairs of samples, and kinds of failure</h3>
    ${table<StrategyPair>(
      pairs,
      [
        strategy(),
        { title: 'kinds of failure: V', numeric: true, cell: ({ difference }) => decimal(difference.failures.cramersV.value, 2) },
        {
          title: interval,
          numeric: true,
          cell: ({ difference: { failures } }) => {
            const { low, high } = failures.cramersV;
            return low === null || high === null ? NO_VALUE : `${decimal(low, 2)} to ${decimal(high, 2)}`;
          },
        },
        { title: 'p', numeric: true, cell: ({ difference }) => probability(difference.failures.p) },
        { title: 'pairs', numeric: true, cell: ({ difference }) => whole(difference.pairs.pairs) },
        { title: 'only the first passes', numeric: true, cell: ({ difference }) => whole(difference.pairs.onlyFirst) },
        { title: 'only the second', numeric: true, cell: ({ difference }) => whole(difference.pairs.onlySecond) },
        { title: 'McNemar’s mid-p', numeric: true, cell: ({ difference }) => probability(difference.pairs.mcnemar?.midP ?? null) },
      ],
      { id: 'pairs-table', caption: `Pairs of samples, and kinds of failure, of each strategy and ${against}` },
    )}
    <p class="aside">
      V is Cramér’s, with Bergsma’s correction, of categories by strategy. A pair is the samples of one index of one problem; McNemar’s test needs one
      pair a problem, as beside greedy decoding.
    </p>
  </section>`;
}

export function strategyFailuresSection(comparison: StrategyComparison): Markup {
  const { experiments, intervals, failures } = comparison.bySetting;
  const rows = groupsOf(comparison).flatMap(({ experiments, families }) =>
    families.map((family) => ({ ...family, experiment: experiments.join(', ') })),
  );
  type Row = FamilyShare & { readonly experiment: string };
  return markup`<section id="failures">
    <h2>Failures by family</h2>
    <p id="kinds">Categories by strategy, all in one table: ${kindsText(failures, experiments.length)}.</p>
    ${
      rows.length > 0 &&
      table<Row>(
        rows,
        [
          { title: 'strategy', header: true, cell: ({ experiment }) => experiment, sortBy: ({ experiment }) => experiment },
          { title: 'family', cell: (row) => nameOf(row), sortBy: (row) => nameOf(row) },
          { title: 'failures', numeric: true, cell: ({ count }) => whole(count), sortBy: ({ count }) => count },
          ...estimateColumns<Row>('share', intervals, ({ share }) => share),
          { title: 'programs', numeric: true, cell: ({ programs }) => whole(programs), sortBy: ({ programs }) => programs },
          ...estimateColumns<Row>('share of those', intervals, ({ ofPrograms }) => ofPrograms),
        ],
        { id: 'families-table', caption: 'Failures by family of categories, by strategy', tall: rows.length > 20 },
      )
    }
  </section>`;
}
