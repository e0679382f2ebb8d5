/** Outcomes by one dimension of the samples; no row where all samples are alike in it. Each dimension is a table of its own. */
import type { DimensionName, Distribution, Group } from '../../analysis/distribution.js';
import { OUTCOME_ORDER } from '../../outcomes.js';
import type { ReportData } from '../../report-data.js';
import { whole } from '../format.js';
import { COST_COLUMNS, costColumns } from './cost-columns.js';
import { narrowShareColumns } from './estimate.js';
import { reportTable, untold, type ReportTable } from './table.js';

/** Null where there are no analyses. */
export function distributionOf({ analyses }: Pick<ReportData, 'analyses'>, dimension: DimensionName): Distribution | null {
  return analyses?.distributions.find((each) => each.dimension === dimension) ?? null;
}

/** What failed most often among a group's samples; null where none did. */
export function mostFrequent({ categories }: Group): Group['categories'][number] | null {
  return categories.reduce<Group['categories'][number] | null>((top, each) => (top === null || each.count > top.count ? each : top), null);
}

export function distributionTable(dimension: DimensionName): ReportTable {
  return reportTable<Group>({
    name: `by-${dimension}`,
    caption: (data) =>
      `Passes and crashes by ${dimension}, as shares of n samples, with ${data.intervals.confidence * 100} % intervals by bootstrap over problems; ${COST_COLUMNS}.${untold(distributionOf(data, dimension)?.missing)}`,
    rows: (data) => distributionOf(data, dimension)?.groups ?? [],
    columns: (data) => {
      const { confidence } = data.intervals;
      const unit = distributionOf(data, dimension)?.unit ?? null;
      return [
        {
          key: unit === null ? dimension : `${dimension}_${unit}`,
          value: ({ value }) => value,
          print: { title: unit ?? dimension, cell: ({ value }) => value ?? 'not recorded' },
        },
        {
          key: 'samples',
          value: ({ samples }) => samples,
          print: { title: 'n', numeric: true, cell: ({ samples }) => whole(samples) },
        },
        { key: 'problems', value: ({ problems }) => problems },
        ...narrowShareColumns<Group>(
          ({ pass }) => pass,
          { value: 'pass', low: 'pass_low', high: 'pass_high', method: 'pass_interval_method', title: 'pass' },
          confidence,
        ),
        ...narrowShareColumns<Group>(
          ({ crash }) => crash,
          { value: 'crash', low: 'crash_low', high: 'crash_high', method: 'crash_interval_method', title: 'crash' },
          confidence,
        ),
        ...costColumns<Group>(),
        ...OUTCOME_ORDER.map((outcome) => ({ key: `outcome_${outcome}`, value: ({ outcomes }: Group) => outcomes[outcome] ?? 0 })),
        { key: 'failures', value: ({ failures }) => failures },
        // Not in print, as rates with intervals and their costs take the whole line.
        { key: 'top_category_code', value: (group) => mostFrequent(group)?.code ?? null },
        { key: 'top_category', value: (group) => mostFrequent(group)?.name ?? null },
        { key: 'top_category_failures', value: (group) => mostFrequent(group)?.count ?? null },
      ];
    },
  });
}
