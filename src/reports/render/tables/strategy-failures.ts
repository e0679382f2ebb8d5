/** Failures of each strategy by family of categories; in the CSV also by the strategies' kind and by temperature. */
import type { FamilyShare, SettingName } from '../../analysis/by-setting.js';
import type { StrategyComparison } from '../../strategy-comparison.js';
import { kindsText } from '../failure-kinds.js';
import { percent, plural, whole } from '../format.js';
import { shareColumns } from './estimate.js';
import { reportTable } from './table.js';

interface Row extends FamilyShare {
  readonly setting: SettingName;
  readonly value: string | null;
  readonly experiments: readonly string[];
}

export const strategyFailuresTable = reportTable<Row, StrategyComparison>({
  name: 'strategy-failures',
  caption: ({ bySetting: { experiments, problems, failures, intervals } }) =>
    `Failures by family of categories, as shares of a strategy's failures, over ${plural(problems.compared, 'problem')} that all strategies have, with ${intervals.confidence * 100} % intervals by bootstrap over problems; distinct are the family's share of distinct programs that fail. Categories by strategy, all in one table: ${kindsText(failures, experiments.length)}.`,
  rows: ({ bySetting }) =>
    bySetting.tables.flatMap(({ setting, groups }) =>
      groups.flatMap(({ value, experiments, families }) => families.map((family) => ({ ...family, setting, value, experiments }))),
    ),
  isPrinted: ({ setting }) => setting === 'experiment',
  columns: ({ bySetting: { intervals } }) => [
    { key: 'setting', value: ({ setting }) => setting },
    { key: 'value', value: ({ value }) => value, print: { title: 'experiment' } },
    { key: 'experiments', value: ({ experiments }) => experiments.join(' ') },
    { key: 'family_code', value: ({ code }) => code, print: { title: 'code' } },
    { key: 'family', value: ({ name }) => name, print: { title: 'family' } },
    { key: 'failures', value: ({ count }) => count, print: { title: 'failures', numeric: true, cell: ({ count }) => whole(count) } },
    ...shareColumns<Row>(
      ({ share }) => share,
      { value: 'share', low: 'share_low', high: 'share_high', title: 'share' },
      intervals.confidence,
    ),
    { key: 'programs', value: ({ programs }) => programs },
    {
      key: 'program_share',
      value: ({ ofPrograms }) => ofPrograms.value,
      print: { title: 'distinct', numeric: true, cell: ({ ofPrograms }) => percent(ofPrograms.value) },
    },
    { key: 'program_share_low', value: ({ ofPrograms }) => ofPrograms.low },
    { key: 'program_share_high', value: ({ ofPrograms }) => ofPrograms.high },
  ],
});
