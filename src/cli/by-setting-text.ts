/** What `faultline analyze` prints of several experiments, for people. The numbers are `reports/analysis/by-setting.ts`'s. */
import type { BySetting, SettingGroup, SettingTable } from '../reports/analysis/by-setting.js';
import { percent, percentInterval, plural } from '../reports/render/format.js';
import { groupTable, nameOf } from './analysis-text.js';
import { COSTS, warningText } from './comparison-text.js';
import { textTable } from './text-table.js';

/** Several blocks, without a newline at the end. */
export function bySettingText({ experiments, problems, differing, tables, warnings }: BySetting): string {
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
    ...tables.flatMap(tableTexts),
    'Each interval is its own row’s: whether two experiments differ, `faultline diff` tests.',
    ...warnings.map(warningText),
  ].join('\n\n');
}

function tableTexts({ setting, groups, alsoDiffer, missing }: SettingTable): string[] {
  if (missing !== null) return [`by ${setting}: ${missing}`];
  const valueOf = ({ value, experiments }: SettingGroup): string =>
    setting === 'experiment' ? experiments.join(', ') : `${value ?? 'not recorded'} (${experiments.join(', ')})`;
  const rates = [
    `by ${setting}`,
    groupTable(setting, groups.map((group) => ({ ...group, value: valueOf(group) }))), // prettier-ignore
    ...(setting !== 'experiment' && alsoDiffer.length > 0
      ? [`not ${setting} alone differs, and the rates may come from the rest as well: ${alsoDiffer.join(', ')}`]
      : []),
  ].join('\n');
  // Where every row is one experiment, the rest of it stands above.
  if (setting !== 'experiment' && groups.every(({ experiments }) => experiments.length === 1)) return [rates];
  return [
    rates,
    textTable(
      [setting, 'family', 'failures', 'share of failures', '95 % interval'],
      groups.flatMap((group) =>
        group.families.map((family) => [
          valueOf(group),
          nameOf(family),
          family.count,
          percent(family.share.value),
          percentInterval(family.share),
        ]),
      ),
    ),
    textTable(
      [setting, ...COSTS.map(([name]) => name)],
      groups.map((group) => [valueOf(group), ...COSTS.map(([, text]) => text(group.costs))]),
    ),
  ];
}
