/** What came of each strategy, at what price; in the CSV also by the strategies' kind and by temperature. */
import type { SettingGroup, SettingName } from '../../analysis/by-setting.js';
import { OUTCOME_ORDER } from '../../outcomes.js';
import type { StrategyComparison } from '../../strategy-comparison.js';
import { plural, whole } from '../format.js';
import { shareColumns } from './estimate.js';
import { reportTable, type TableColumn } from './table.js';

interface Row extends SettingGroup {
  readonly setting: SettingName;
}

const counted = (key: string, title: string, value: (row: Row) => number): TableColumn<Row> => ({
  key,
  value,
  print: { title, numeric: true, cell: (row) => short(value(row)) },
});

/** A large count with few digits: with all of them, two rates and two costs are wider than a page. */
function short(count: number): string {
  if (count >= 1_000_000) return `${(count / 1_000_000).toFixed(2)} M`;
  return count >= 10_000 ? `${(count / 1_000).toFixed(0)} k` : whole(count);
}

export const strategiesTable = reportTable<Row, StrategyComparison>({
  name: 'strategies',
  caption: ({ bySetting: { problems, intervals } }) =>
    `Passes and crashes by strategy, as shares of the samples, over ${plural(problems.compared, 'problem')} that all strategies have, with ${intervals.confidence * 100} % intervals by bootstrap over problems; tokens drawn, and programs run, equal ones once.`,
  rows: ({ bySetting }) => bySetting.tables.flatMap(({ setting, groups }) => groups.map((group) => ({ ...group, setting }))),
  isPrinted: ({ setting }) => setting === 'experiment',
  columns: ({ bySetting: { intervals } }) => [
    { key: 'setting', value: ({ setting }) => setting },
    { key: 'value', value: ({ value }) => value, print: { title: 'experiment' } },
    { key: 'experiments', value: ({ experiments }) => experiments.join(' ') },
    { key: 'samples', value: ({ samples }) => samples },
    { key: 'problems', value: ({ problems }) => problems },
    ...shareColumns<Row>(
      ({ pass }) => pass,
      { value: 'pass', low: 'pass_low', high: 'pass_high', method: 'pass_interval_method', title: 'pass' },
      intervals.confidence,
    ),
    ...shareColumns<Row>(
      ({ crash }) => crash,
      { value: 'crash', low: 'crash_low', high: 'crash_high', method: 'crash_interval_method', title: 'crash' },
      intervals.confidence,
    ),
    counted('tokens', 'tokens', ({ costs }) => costs.tokens),
    { key: 'draw_seconds', value: ({ costs }) => costs.drawSeconds },
    counted('executions', 'run', ({ costs }) => costs.executions),
    { key: 'cpu_seconds', value: ({ costs }) => costs.cpuSeconds },
    { key: 'wall_seconds', value: ({ costs }) => costs.wallSeconds },
    ...OUTCOME_ORDER.map((outcome) => ({ key: `outcome_${outcome}`, value: ({ outcomes }: Row) => outcomes[outcome] ?? 0 })),
    { key: 'failures', value: ({ failures }) => failures },
  ],
});
