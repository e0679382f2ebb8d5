/** Where along the program samples fail, by category; no row where no failure has a line. */
import type { PositionCounts } from '../../analysis/failure-position.js';
import type { CategoryKey } from '../../analysis/rows.js';
import { plural, whole } from '../format.js';
import { spreadColumns, spreadRows } from './spread.js';
import { reportTable } from './table.js';

type Row = PositionCounts & CategoryKey;

export const failurePositionTable = reportTable<Row>({
  name: 'failure-position',
  caption: ({ analyses, intervals }) => {
    const found = analyses?.failurePosition;
    return `The failing line over the lines of the completion, 1 for the last one, of the failures that have one${found === undefined ? '' : `: ${whole(found.position.count)} of ${plural(found.failures, 'failure')}`}. Quartiles by category, the median with its ${intervals.confidence * 100} % interval over problems.`;
  },
  rows: ({ analyses }) =>
    analyses === null ? [] : spreadRows<PositionCounts>(analyses.failurePosition, analyses.failurePosition.categories),
  columns: () => [
    ...spreadColumns<Row>('quartiles'),
    { key: 'without_line', value: ({ withoutLine }) => withoutLine },
    { key: 'in_prompt', value: ({ inPrompt }) => inPrompt },
    { key: 'one_line', value: ({ oneLine }) => oneLine },
  ],
});
