/** The programs about which texts and executions disagree: failures most like the solution, passes least like it. */
import { OUTCOMES } from '../../outcomes.js';
import type { Disagreement } from '../../report-data.js';
import { NO_VALUE, decimal, whole } from '../format.js';
import { reportTable } from './table.js';

interface Row extends Disagreement {
  readonly kind: 'similar_failure' | 'dissimilar_pass';
}

export const disagreementsTable = reportTable<Row>({
  name: 'disagreements',
  caption: () =>
    'Distinct programs about which the view of the texts and that of the executions disagree most, by edit similarity to the canonical solution: failures most like it, passes least like it.',
  rows: ({ textView }) =>
    textView === null
      ? []
      : [
          ...textView.similarFailures.map((each): Row => ({ ...each, kind: 'similar_failure' })),
          ...textView.dissimilarPasses.map((each): Row => ({ ...each, kind: 'dissimilar_pass' })),
        ],
  columns: () => [
    { key: 'kind', value: ({ kind }) => kind },
    { key: 'task_id', value: ({ taskId }) => taskId, print: { title: 'problem' } },
    { key: 'sample_index', value: ({ sampleIndex }) => sampleIndex, print: { title: 'sample', numeric: true } },
    { key: 'outcome', value: ({ outcome }) => outcome, print: { title: 'outcome', cell: ({ outcome }) => OUTCOMES[outcome].label } },
    { key: 'category_code', value: ({ categoryCode }) => categoryCode },
    {
      key: 'category',
      value: ({ categoryName }) => categoryName,
      print: {
        title: 'category',
        cell: ({ categoryCode: code, categoryName: name }) => (name === null ? NO_VALUE : `${code ?? ''} ${name}`.trim()),
      },
    },
    {
      key: 'edit_similarity',
      value: ({ similarity }) => similarity,
      print: { title: 'similarity', numeric: true, cell: ({ similarity }) => decimal(similarity, 2) },
    },
    { key: 'samples', value: ({ samples }) => samples, print: { title: 'samples', numeric: true, cell: ({ samples }) => whole(samples) } },
  ],
});
