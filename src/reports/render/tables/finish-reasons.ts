/** How completions ended. */
import type { ReportData } from '../../report-data.js';
import { percent, plural, whole } from '../format.js';
import { reportTable } from './table.js';

export const finishReasonsTable = reportTable<ReportData['finishReasons'][number]>({
  name: 'finish-reasons',
  caption: ({ counts }) => `How the completions of ${plural(counts.counted, 'sample')} ended.`,
  rows: ({ finishReasons }) => finishReasons,
  columns: () => [
    { key: 'finish_reason', value: ({ reason }) => reason, print: { title: 'finish reason' } },
    { key: 'samples', value: ({ count }) => count, print: { title: 'samples', numeric: true, cell: ({ count }) => whole(count) } },
    { key: 'share', value: ({ share }) => share, print: { title: 'share', numeric: true, cell: ({ share }) => percent(share) } },
  ],
});
