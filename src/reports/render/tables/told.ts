/** The categories, and whether any measure of their texts tells each from passes of the same problems. */
import type { CategoryTold } from '../../report-data.js';
import { NO_VALUE, whole } from '../format.js';
import { reportTable } from './table.js';

const TOLD: Readonly<Record<CategoryTold['told'], string>> = { yes: 'yes', not_shown: 'not shown', unknown: 'unknown' };

export const toldTable = reportTable<CategoryTold>({
  name: 'text-view-categories',
  caption: ({ textView }) =>
    `Categories, and whether any measure of a sample’s text tells each from passes of the same problems: the area within problems, by any measure, is not 0.5 at the level ${textView?.tests.level ?? ''}, adjusted for all ${whole(textView?.tests.areas ?? 0)} areas.`,
  rows: ({ textView }) => textView?.categories ?? [],
  columns: () => [
    { key: 'category_code', value: ({ code }) => code, print: { title: 'code' } },
    { key: 'category', value: ({ name }) => name, print: { title: 'category' } },
    { key: 'samples', value: ({ samples }) => samples, print: { title: 'samples', numeric: true, cell: ({ samples }) => whole(samples) } },
    {
      key: 'problems',
      value: ({ problems }) => problems,
      print: { title: 'problems', numeric: true, cell: ({ problems }) => whole(problems) },
    },
    { key: 'mixed_problems', value: ({ mixedProblems }) => mixedProblems },
    { key: 'told', value: ({ told }) => told, print: { title: 'told apart', cell: ({ told }) => TOLD[told] } },
    {
      key: 'by',
      value: ({ by }) => by.join(' '),
      print: {
        title: 'by',
        cell: ({ by }) => (by.length === 0 ? NO_VALUE : by.length === 1 ? by[0]! : `${by[0]!} and ${by.length - 1} more`),
      },
    },
    { key: 'missing', value: ({ missing }) => missing },
  ],
});
