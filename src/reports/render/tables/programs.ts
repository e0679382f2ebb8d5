/** Samples beside distinct programs, by outcome; no row where no text was measured. */
import { OUTCOMES } from '../../outcomes.js';
import type { ProgramCounts } from '../../report-data.js';
import { plural, whole } from '../format.js';
import { shareColumns } from './estimate.js';
import { reportTable } from './table.js';

type Row = ProgramCounts['outcomes'][number];

export const programsTable = reportTable<Row>({
  name: 'programs',
  caption: ({ textView, intervals }) =>
    `Samples and distinct programs by outcome${textView === null ? '' : `: ${plural(textView.programs.programs, 'distinct program')} among ${plural(textView.programs.samples, 'sample')}`}, with ${intervals.confidence * 100} % intervals by bootstrap over problems.`,
  rows: ({ textView }) => textView?.programs.outcomes ?? [],
  columns: ({ intervals }) => [
    { key: 'outcome', value: ({ outcome }) => outcome, print: { title: 'outcome', cell: ({ outcome }) => OUTCOMES[outcome].label } },
    { key: 'samples', value: ({ samples }) => samples, print: { title: 'samples', numeric: true, cell: ({ samples }) => whole(samples) } },
    {
      key: 'programs',
      value: ({ programs }) => programs,
      print: { title: 'programs', numeric: true, cell: ({ programs }) => whole(programs) },
    },
    ...shareColumns<Row>(
      ({ share }) => share,
      { value: 'share', low: 'share_low', high: 'share_high', title: 'share of programs' },
      intervals.confidence,
    ),
  ],
});
