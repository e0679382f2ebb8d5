/** Every parameter that decides results. */
import type { ReportData } from '../../report-data.js';
import { reportTable } from './table.js';

export const parametersTable = reportTable<ReportData['experiment']['config'][number]>({
  name: 'parameters',
  caption: ({ experiment }) => `Parameters of the experiment ${experiment.name} that decide its results.`,
  rows: ({ experiment }) => [...experiment.config, ...(experiment.categorySettings ?? [])],
  columns: () => [
    { key: 'parameter', value: ({ key }) => key, print: { title: 'parameter' } },
    { key: 'value', value: ({ value }) => value, print: { title: 'value', wraps: true } },
  ],
});
