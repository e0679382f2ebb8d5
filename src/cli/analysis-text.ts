/** What `faultline analyze` prints below the summary, for people. The numbers are `reports/analysis/`'s; every one is in `--json`, and more of them. */
import type { Analysis } from '../reports/analysis/analysis.js';
import type { CoOccurrence } from '../reports/analysis/co-occurrence.js';
import type { Distribution, Group } from '../reports/analysis/distribution.js';
import type { FailurePosition } from '../reports/analysis/failure-position.js';
import type { FirstDivergence, MeanAtAndOverall } from '../reports/analysis/first-divergence.js';
import type { HiddenAssertions } from '../reports/analysis/hidden-assertions.js';
import type { ProgramShares, TwoShares } from '../reports/analysis/programs.js';
import type { CategoryKey } from '../reports/analysis/rows.js';
import type { Spread } from '../reports/analysis/spread.js';
import { OUTCOMES } from '../reports/outcomes.js';
import { decimal, decimalEstimate, NO_VALUE, percent, percentInterval, plural, whole } from '../reports/render/format.js';
import { COST_COLUMNS, costColumns } from '../reports/render/tables/cost-columns.js';
import { intervalTitle } from '../reports/render/tables/estimate.js';
import { quartileText } from '../reports/render/tables/spread.js';
import { warnings } from '../reports/render/text.js';
import type { ClaimPlace } from '../reports/report-data.js';
import { textTable, type TableCell } from './text-table.js';

/** Rows of a table that may be long. */
const MOST = 10;

/** Several blocks, without a newline at the end. */
export function analysisText(analysis: Analysis): string {
  if (analysis.report.counts.counted === 0) return 'no sample counts, so that there is nothing to analyse';
  const interval = intervalTitle(analysis.report.intervals.confidence);
  const plain = { yellow: (text: string | number | null | undefined): string => String(text) };
  const warned = (text: string, at: ClaimPlace): string => [text, ...warnings(analysis.report, at, plain)].join('\n');
  return [
    hiddenText(analysis.hiddenAssertions, interval),
    warned(programsText(analysis.programs, interval), 'programs'),
    warned(distributionsText(analysis.distributions, interval), 'dependence'),
    warned(coOccurrenceText(analysis.coOccurrence), 'co_occurrence'),
    warned(positionText(analysis.failurePosition), 'failure_position'),
    warned(divergenceText(analysis.firstDivergence), 'first_divergence'),
  ].join('\n\n');
}

function hiddenText(
  { problems, assertions, samples, passed, passedHidden, unknown, passAtK, table, missing }: HiddenAssertions,
  interval: string,
): string {
  if (missing !== null) return `hidden assertions: ${missing}`;
  const head =
    `hidden assertions: the prompts of ${problems.withVisible} of ${plural(problems.marked, 'problem')} show ${whole(assertions.visible)} of ` +
    `their ${plural(assertions.total, 'assertion')}`;
  const apart = [
    ...(problems.marked < problems.all ? [`not marked: ${plural(problems.all - problems.marked, 'problem')}`] : []),
    ...(problems.allVisible > 0 ? [`without a hidden assertion: ${plural(problems.allVisible, 'problem')}`] : []),
  ];
  const isBounded = unknown > 0;
  const rows = passAtK.map(({ k, all, hidden, hiddenAtMost }): TableCell[] => [
    `pass@${k}`,
    percent(all.value),
    percentInterval(all),
    percent(hidden.value),
    percentInterval(hidden),
    ...(isBounded ? [percent(hiddenAtMost.value)] : []),
  ]);
  const shown = table.both + table.visibleOnly;
  return [
    [head, ...apart].join('; '),
    textTable(['rate', 'all', interval, 'hidden alone', interval, ...(isBounded ? ['at most'] : [])], rows),
    `of ${plural(samples, 'sample')} ${whole(passed)} pass all assertions, ${whole(passedHidden)} the hidden ones` +
      (isBounded ? `; of ${whole(unknown)} it cannot be known: they ended before, and count as failing` : ''),
    `where the prompt shows some: ${whole(shown)} pass what it shows, and ${whole(table.both)} of these the rest too (${percent(shown === 0 ? null : table.both / shown)})`,
  ].join('\n');
}

function programsText({ samples, programs, distinct, outcomes, categories }: ProgramShares, interval: string): string {
  const row = (name: string, each: TwoShares): TableCell[] => [
    name,
    each.samples,
    percent(each.ofSamples.value),
    percentInterval(each.ofSamples),
    each.programs,
    percent(each.ofPrograms.value),
    percentInterval(each.ofPrograms),
  ];
  const columns = (what: string): string[] => [what, 'samples', 'share', interval, 'programs', 'share', interval];
  const top = [...categories].sort((a, b) => b.samples - a.samples);
  return [
    `programs: ${plural(programs, 'distinct one')} of ${plural(samples, 'sample')}, ${percent(distinct.value)} (${percentInterval(distinct)})`,
    textTable(columns('outcome'), outcomes.filter((each) => each.samples > 0).map((each) => row(OUTCOMES[each.outcome].label, each))), // prettier-ignore
    ...cut(top, (rows) => textTable(columns('category'), rows.map((each) => row(nameOf(each), each)))), // prettier-ignore
  ].join('\n');
}

function distributionsText(distributions: readonly Distribution[], interval: string): string {
  const hasTable = distributions.some(({ missing }) => missing === null);
  return [distributions.map((each) => distributionText(each, interval)).join('\n\n'), ...(hasTable ? [COST_NOTE] : [])].join('\n');
}

function distributionText({ dimension, unit, groups, missing }: Distribution, interval: string): string {
  const title = `by ${dimension}`;
  if (missing !== null) return `${title}: ${missing}`;
  const isLong = dimension === 'problem';
  const rows = isLong ? [...groups].sort((a, b) => b.failures / b.samples - a.failures / a.samples) : groups;
  const table = (shown: readonly Group[]): string => groupTable(unit ?? dimension, shown, interval);
  return [isLong ? `${title}, those that fail most first` : title, ...(isLong ? cut(rows, table) : [table(rows)])].join('\n');
}

/** What the costs are that stand beside every rate of {@link groupTable}; below the last of such tables. */
export const COST_NOTE = `  ${COST_COLUMNS}`;

/** A line for each group of samples; `what` its values are, and what stands over an interval. */
export function groupTable(what: string, groups: readonly Group[], interval: string): string {
  const costs = COSTS.map(({ title }) => title);
  const columns = [what, 'samples', 'problems', 'pass', interval, 'crash', interval, ...costs, 'most frequent failure'];
  return textTable(columns, groups.map(groupRow));
}

const COSTS = costColumns<Group>().flatMap(({ print }) => (print?.cell === undefined ? [] : [{ title: print.title, cell: print.cell }]));

function groupRow(group: Group): TableCell[] {
  const { value, samples, problems, pass, crash, categories } = group;
  const [top] = [...categories].sort((a, b) => b.count - a.count);
  return [
    value ?? 'not recorded',
    samples,
    problems,
    percent(pass.value),
    percentInterval(pass),
    percent(crash.value),
    percentInterval(crash),
    ...COSTS.map(({ cell }) => cell(group)),
    top === undefined ? NO_VALUE : `${nameOf(top)}, ${percent(top.share)}`,
  ];
}

function coOccurrenceText({ tags, problems }: CoOccurrence): string {
  // Lengths have a table of their own above.
  const pairs = tags.filter(({ tag }) => !tag.startsWith('length:')).sort((a, b) => b.count - a.count);
  const none = (what: string): string[] => [`  none: ${what}`];
  return [
    'categories and what else is true of their samples',
    ...(pairs.length === 0
      ? none('no failure has a tag')
      : cut(pairs, (rows) =>
          textTable(
            ['category', 'tag', 'samples', 'of category', 'of all failures', 'lift'],
            rows.map((each) => [nameOf(each), each.tag, each.count, percent(each.share), percent(each.overall), decimal(each.lift, 2)]),
          ),
        )),
    '',
    'categories in one problem',
    ...(problems.length === 0
      ? none('no problem has failures of two categories')
      : cut(problems, (rows) =>
          textTable(
            ['one', 'another', 'problems with both', 'if independent'],
            rows.map((each) => [nameOf(each.a), nameOf(each.b), each.both, decimal(each.expected, 1)]),
          ),
        )),
  ].join('\n');
}

function positionText({ failures, position, withoutLine, inPrompt, oneLine, categories }: FailurePosition): string {
  const head =
    `failing line over the lines of the completion, 1 is the last: ${whole(position.count)} of ${plural(failures, 'failure')}; ` +
    `without a line ${whole(withoutLine)}, in the prompt ${whole(inPrompt)}, in programs of one line ${whole(oneLine)}`;
  if (position.count === 0) return head;
  const top = [...categories].sort((a, b) => b.position.count - a.position.count);
  return [head, ...cut([{ name: 'all', code: null, position }, ...top], (rows) => spreadTable('category', rows))].join('\n');
}

function divergenceText(found: FirstDivergence): string {
  const { position, logprob, entropy, missing, failures, withoutTokens, withoutSibling, beginnings, categories } = found;
  const head = 'first token that leaves every passing sibling, over the tokens of the sample';
  if (missing !== null || logprob === null || entropy === null) return `${head}: ${missing ?? 'none'}`;
  const top = [...categories].sort((a, b) => b.position.count - a.position.count);
  return [
    `${head}: ${whole(position.count)} of ${plural(failures, 'failure')}; without tokens ${whole(withoutTokens)}, ` +
      `of problems that nothing passes ${whole(withoutSibling)}, beginnings of a passing sample ${whole(beginnings)}`,
    ...cut([{ name: 'all', code: null, position }, ...top], (rows) => spreadTable('category', rows)),
    `mean log-probability there ${mean(logprob, 'at')}, over all tokens of these samples ${mean(logprob, 'overall')}; ` +
      `mean entropy ${mean(entropy, 'at')} and ${mean(entropy, 'overall')} nats`,
  ].join('\n');
}

/** With its interval over problems. */
function mean(of: MeanAtAndOverall, which: 'at' | 'overall'): string {
  return decimalEstimate({ value: of[which], ...of.intervals[which] }, 2);
}

function spreadTable(title: string, rows: readonly (CategoryKey & { readonly position: Spread })[]): string {
  return textTable(
    [title, 'samples', 'lower quartile', 'median', 'upper', 'tenths'],
    rows.map(({ position, ...key }) => [
      nameOf(key),
      position.count,
      ...([0, 1, 2] as const).map((at) => (at === 1 ? quartileText(position, at) : decimal(position.quartiles?.[at] ?? null, 2))),
      bars(position.histogram),
    ]),
  );
}

const BARS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** A histogram as a line of bars, the tallest whole. */
function bars(histogram: readonly number[]): string {
  const most = Math.max(...histogram, 1);
  return histogram.map((count) => BARS[Math.ceil((count / most) * 8)]).join('');
}

/** A category, or a family of them, in a table. */
export function nameOf({ code, name }: CategoryKey): string {
  return code === null ? name : `${code} ${name}`;
}

/** The first rows, and how many more there are. */
function cut<T>(rows: readonly T[], table: (rows: readonly T[]) => string): string[] {
  const rest = rows.length - MOST;
  return [table(rows.slice(0, MOST)), ...(rest > 0 ? [`and ${whole(rest)} more`] : [])];
}
