/** Shares over samples beside shares over distinct programs: outcomes and categories in the CSV, outcomes in print. */
import type { TwoShares } from '../../analysis/programs.js';
import { OUTCOMES } from '../../outcomes.js';
import { plural } from '../format.js';
import { shareColumns } from './estimate.js';
import { reportTable } from './table.js';

interface Row extends TwoShares {
  readonly kind: 'outcome' | 'category';
  readonly code: string | null;
  readonly name: string;
  /** As printed. */
  readonly label: string;
}

export const programsTable = reportTable<Row>({
  name: 'programs',
  caption: ({ analyses, intervals }) =>
    `Outcomes as shares of samples and of distinct programs${analyses === null ? '' : `: ${plural(analyses.programs.programs, 'distinct program')} among ${plural(analyses.programs.samples, 'sample')}`}, ` +
    `with ${intervals.confidence * 100} % intervals by bootstrap over problems.`,
  rows: ({ analyses }) =>
    analyses === null
      ? []
      : [
          ...analyses.programs.outcomes.map((each): Row => ({
            ...each,
            kind: 'outcome',
            code: null,
            name: each.outcome,
            label: OUTCOMES[each.outcome].label,
          })),
          ...analyses.programs.categories.map((each): Row => ({ ...each, kind: 'category', label: each.name })),
        ],
  isPrinted: ({ kind }) => kind === 'outcome',
  columns: ({ intervals: { confidence } }) => [
    { key: 'kind', value: ({ kind }) => kind },
    { key: 'code', value: ({ code }) => code },
    { key: 'name', value: ({ name }) => name, print: { title: 'outcome', cell: ({ label }) => label } },
    { key: 'samples', value: ({ samples }) => samples },
    ...shareColumns<Row>(
      ({ ofSamples }) => ofSamples,
      { value: 'of_samples', low: 'of_samples_low', high: 'of_samples_high', method: 'of_samples_interval_method', title: 'samples' },
      confidence,
    ),
    { key: 'programs', value: ({ programs }) => programs },
    ...shareColumns<Row>(
      ({ ofPrograms }) => ofPrograms,
      {
        value: 'of_programs',
        low: 'of_programs_low',
        high: 'of_programs_high',
        method: 'of_programs_interval_method',
        title: 'programs',
      },
      confidence,
    ),
  ],
});
