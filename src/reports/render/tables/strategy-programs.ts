/**
 * Each strategy on the hidden assertions alone, and over distinct programs; in the CSV also by the strategies' kind and by temperature, and what
 * either cost. Costs in print stand in the table of strategies.
 */
import { hiddenPassOf, passSharesOf } from '../../analysis/by-setting.js';
import type { Estimate } from '../../statistics/bootstrap.js';
import type { StrategyComparison } from '../../strategy-comparison.js';
import { percent, plural } from '../format.js';
import { narrowShareColumns } from './estimate.js';
import { GROUP_COLUMNS, groupRows, type GroupRow } from './strategies.js';
import { reportTable, type TableColumn } from './table.js';

const NOTHING: Estimate = { value: null, low: null, high: null, method: 'none' };

export const strategyProgramsTable = reportTable<GroupRow, StrategyComparison>({
  name: 'strategy-programs',
  caption: ({ bySetting: { problems, intervals } }) =>
    `pass@1 by strategy on the assertions alone that the prompts do not show, over the problems that have some; and the share of distinct programs among the samples, with passes and crashes as shares of these, over ${plural(problems.compared, 'problem')} that all strategies have, with ${intervals.confidence * 100} % intervals by bootstrap over problems.`,
  rows: groupRows,
  isPrinted: ({ setting }) => setting === 'experiment',
  columns: ({ bySetting: { intervals } }) => {
    const share = (name: string, title: string, of: (row: GroupRow) => Estimate): TableColumn<GroupRow>[] =>
      narrowShareColumns(
        of,
        { value: name, low: `${name}_low`, high: `${name}_high`, method: `${name}_interval_method`, title },
        intervals.confidence,
      );
    const unprinted = (columns: readonly TableColumn<GroupRow>[]): TableColumn<GroupRow>[] =>
      columns.map(({ key, value }) => ({ key, value }));
    return [
      ...GROUP_COLUMNS,
      { key: 'hidden_problems', value: (row) => hiddenPassOf(row)?.problems ?? 0 },
      { key: 'hidden_samples', value: ({ hiddenAssertions }) => hiddenAssertions.samples },
      { key: 'hidden_unknown', value: ({ hiddenAssertions }) => hiddenAssertions.unknown },
      ...unprinted(share('all', 'all', (row) => hiddenPassOf(row)?.all ?? NOTHING)),
      ...share('hidden', 'hidden', (row) => hiddenPassOf(row)?.hidden ?? NOTHING),
      { key: 'hidden_at_most', value: (row) => hiddenPassOf(row)?.hiddenAtMost.value ?? null },
      { key: 'samples', value: ({ samples }) => samples },
      { key: 'programs', value: ({ programs }) => programs.programs },
      ...unprinted(share('distinct', 'distinct', ({ programs }) => programs.distinct)),
      {
        key: null,
        value: () => null,
        print: { title: 'distinct', numeric: true, cell: ({ programs }) => percent(programs.distinct.value) },
      },
      ...share('program_pass', 'pass', (row) => passSharesOf(row).ofPrograms),
      ...share('program_crash', 'crash', ({ programs }) => programs.crash.ofPrograms),
      { key: 'crash', value: ({ crash }) => crash.value },
      { key: 'tokens', value: ({ costs }) => costs.tokens },
      { key: 'draw_seconds', value: ({ costs }) => costs.drawSeconds },
      { key: 'executions', value: ({ costs }) => costs.executions },
      { key: 'wall_seconds', value: ({ costs }) => costs.wallSeconds },
    ];
  },
});
