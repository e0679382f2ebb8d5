/** What came of each strategy, at what price; in the CSV also by the strategies' kind and by temperature. */
import type { SettingGroup, SettingName } from '../../analysis/by-setting.js';
import { OUTCOME_ORDER } from '../../outcomes.js';
import type { StrategyComparison } from '../../strategy-comparison.js';
import { shortCount, shortSeconds } from '../costs.js';
import { plural } from '../format.js';
import { narrowShareColumns } from './estimate.js';
import { reportTable, type TableColumn } from './table.js';

/** A group of samples, and by which setting it is one. */
export interface GroupRow extends SettingGroup {
  readonly setting: SettingName;
}

export function groupRows({ bySetting }: StrategyComparison): GroupRow[] {
  return bySetting.tables.flatMap(({ setting, groups }) => groups.map((group) => ({ ...group, setting })));
}

/** Which group a row is. */
export const GROUP_COLUMNS: readonly TableColumn<GroupRow>[] = [
  { key: 'setting', value: ({ setting }) => setting },
  { key: 'value', value: ({ value }) => value, print: { title: 'experiment' } },
  { key: 'experiments', value: ({ experiments }) => experiments.join(' ') },
];

const counted = (key: string, title: string, value: (row: GroupRow) => number): TableColumn<GroupRow> => ({
  key,
  value,
  print: { title, numeric: true, cell: (row) => shortCount(value(row)) },
});

const timed = (key: string, value: (row: GroupRow) => number | null): TableColumn<GroupRow> => ({
  key,
  value,
  print: { title: 's', numeric: true, cell: (row) => shortSeconds(value(row)) },
});

export const strategiesTable = reportTable<GroupRow, StrategyComparison>({
  name: 'strategies',
  caption: ({ bySetting: { problems, intervals } }) =>
    `Passes and crashes by strategy, as shares of the samples, over ${plural(problems.compared, 'problem')} that all strategies have, with ${intervals.confidence * 100} % intervals by bootstrap over problems; tokens drawn, programs run, equal ones once, and seconds by the clock of drawing and of these runs.`,
  rows: groupRows,
  isPrinted: ({ setting }) => setting === 'experiment',
  columns: ({ bySetting: { intervals } }) => [
    ...GROUP_COLUMNS,
    { key: 'samples', value: ({ samples }) => samples },
    { key: 'problems', value: ({ problems }) => problems },
    ...narrowShareColumns<GroupRow>(
      ({ pass }) => pass,
      { value: 'pass', low: 'pass_low', high: 'pass_high', method: 'pass_interval_method', title: 'pass' },
      intervals.confidence,
    ),
    ...narrowShareColumns<GroupRow>(
      ({ crash }) => crash,
      { value: 'crash', low: 'crash_low', high: 'crash_high', method: 'crash_interval_method', title: 'crash' },
      intervals.confidence,
    ),
    counted('tokens', 'tokens', ({ costs }) => costs.tokens),
    timed('draw_seconds', ({ costs }) => costs.drawSeconds),
    { key: 'mean_tokens', value: ({ meanTokens }) => meanTokens },
    counted('executions', 'run', ({ costs }) => costs.executions),
    { key: 'cpu_seconds', value: ({ costs }) => costs.cpuSeconds },
    timed('wall_seconds', ({ costs }) => costs.wallSeconds),
    ...OUTCOME_ORDER.map((outcome) => ({ key: `outcome_${outcome}`, value: ({ outcomes }: GroupRow) => outcomes[outcome] ?? 0 })),
    { key: 'failures', value: ({ failures }) => failures },
  ],
});
