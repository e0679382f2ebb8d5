/** The counted samples by outcome. */
import { OUTCOMES } from '../../outcomes.js';
import type { OutcomeShare } from '../../report-data.js';
import { plural, whole } from '../format.js';
import { shareColumns } from './estimate.js';
import { reportTable } from './table.js';

export const outcomesTable = reportTable<OutcomeShare>({
  name: 'outcomes',
  caption: ({ counts, intervals }) =>
    `Outcomes of ${plural(counts.counted, 'sample')} with ${intervals.confidence * 100} % intervals by bootstrap over problems.`,
  rows: ({ outcomes }) => outcomes,
  columns: ({ intervals }) => [
    { key: 'outcome', value: ({ outcome }) => outcome, print: { title: 'outcome', cell: ({ outcome }) => OUTCOMES[outcome].label } },
    { key: 'samples', value: ({ count }) => count, print: { title: 'samples', numeric: true, cell: ({ count }) => whole(count) } },
    ...shareColumns<OutcomeShare>(
      ({ share }) => share,
      { value: 'share', low: 'share_low', high: 'share_high', title: 'share' },
      intervals.confidence,
    ),
  ],
});
