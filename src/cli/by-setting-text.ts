/** What `faultline analyze` prints of several experiments, for people. The numbers are `reports/analysis/by-setting.ts`'s. */
import { hiddenPassOf, passSharesOf, type BySetting, type SettingGroup, type SettingTable } from '../reports/analysis/by-setting.js';
import { COSTS } from '../reports/render/costs.js';
import { kindsText } from '../reports/render/failure-kinds.js';
import { NO_VALUE, percent, percentInterval, plural, whole } from '../reports/render/format.js';
import { intervalTitle } from '../reports/render/tables/estimate.js';
import { COST_NOTE, groupTable, nameOf } from './analysis-text.js';
import { warningText } from './comparison-text.js';
import { textTable, type TableCell } from './text-table.js';

/** Several blocks, without a newline at the end. */
export function bySettingText({ experiments, problems, differing, tables, failures, intervals, warnings }: BySetting): string {
  const labels = experiments.map(({ label }) => label);
  const rest = [
    ...(problems.notInAll > 0 ? [`${plural(problems.notInAll, 'problem')} that not all of them have`] : []),
    ...(problems.changed > 0 ? [`${plural(problems.changed, 'problem')} of one name with another prompt, entry point or test`] : []),
    ...(problems.notJudged > 0 ? [`${plural(problems.notJudged, 'problem')} without a judged sample in one of them at least`] : []),
  ];
  return [
    `${labels.join(', ')}: compared on the ${plural(problems.compared, 'problem')} that all of them have` +
      (rest.length > 0 ? `; left out: ${rest.join(', ')}` : ''),
    differing.length === 0
      ? 'asked for alike'
      : textTable(['setting', ...labels], differing.map(({ key, values }) => [key, ...values])), // prettier-ignore
    ...tables.flatMap((table) => tableTexts(table, intervalTitle(intervals.confidence))),
    `${experiments.length === 2 ? 'both' : `all ${experiments.length}`} in one table of categories by experiment: ` +
      `kinds of failure: ${kindsText(failures, experiments.length)}`,
    'Each interval is its own row’s: whether two experiments differ, `faultline diff` tests.',
    COST_NOTE.trim(),
    ...warnings.map(warningText),
  ].join('\n\n');
}

function tableTexts({ setting, groups, alsoDiffer, missing }: SettingTable, interval: string): string[] {
  if (missing !== null) return [`by ${setting}: ${missing}`];
  const valueOf = ({ value, experiments }: SettingGroup): string =>
    setting === 'experiment' ? experiments.join(', ') : `${value ?? 'not recorded'} (${experiments.join(', ')})`;
  const rates = [
    `by ${setting}`,
    groupTable(setting, groups.map((group) => ({ ...group, value: valueOf(group) })), interval), // prettier-ignore
    ...(setting !== 'experiment' && alsoDiffer.length > 0
      ? [`not ${setting} alone differs, and the rates may come from the rest as well: ${alsoDiffer.join(', ')}`]
      : []),
  ].join('\n');
  // Where every row is one experiment, the rest of it stands above.
  if (setting !== 'experiment' && groups.every(({ experiments }) => experiments.length === 1)) return [rates];
  return [
    rates,
    hiddenText(setting, groups, valueOf, interval),
    textTable(
      [setting, 'programs', 'of samples', interval, 'pass', interval, 'crash', interval],
      groups.map((group) => {
        const { programs, distinct, crash } = group.programs;
        const shares = [distinct, passSharesOf(group).ofPrograms, crash.ofPrograms];
        return [valueOf(group), programs, ...shares.flatMap((each) => [percent(each.value), percentInterval(each)])];
      }),
    ),
    textTable(
      [setting, 'family', 'failures', 'share of failures', interval, 'programs', 'share of those', interval],
      groups.flatMap((group) =>
        group.families.map((family) => [
          valueOf(group),
          nameOf(family),
          family.count,
          percent(family.share.value),
          percentInterval(family.share),
          family.programs,
          percent(family.ofPrograms.value),
          percentInterval(family.ofPrograms),
        ]),
      ),
    ),
    textTable(
      [setting, ...COSTS.map(([name]) => name)],
      groups.map((group) => [valueOf(group), ...COSTS.map(([, text]) => text(group.costs))]),
    ),
  ];
}

/** pass@1 on all assertions of the problems that have hidden ones, and on those alone; why there is none, where no row has one. */
function hiddenText(setting: string, groups: readonly SettingGroup[], valueOf: (group: SettingGroup) => string, interval: string): string {
  if (groups.every((group) => hiddenPassOf(group) === null))
    return `hidden assertions: ${groups[0]?.hiddenAssertions.missing ?? 'no problem has any'}`;
  const isBounded = groups.some((group) => group.hiddenAssertions.unknown > 0);
  return textTable(
    [setting, 'problems', 'pass@1', interval, 'hidden alone', interval, ...(isBounded ? ['at most', 'not known'] : [])],
    groups.map((group): TableCell[] => {
      const found = hiddenPassOf(group);
      if (found === null) return [valueOf(group), ...Array.from({ length: isBounded ? 7 : 5 }, () => NO_VALUE)];
      const { problems, all, hidden, hiddenAtMost } = found;
      return [
        valueOf(group),
        problems,
        ...[all, hidden].flatMap((each) => [percent(each.value), percentInterval(each)]),
        ...(isBounded
          ? [percent(hiddenAtMost.value), `${whole(group.hiddenAssertions.unknown)} of ${whole(group.hiddenAssertions.samples)}`]
          : []),
      ];
    }),
  );
}
