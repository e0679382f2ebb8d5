/** Categories of failures and what else is true of their samples: every pair in the CSV, the most frequent telling ones in print. */
import type { CoOccurrence, TagPair } from '../../analysis/co-occurrence.js';
import { decimal, percent, whole } from '../format.js';
import { reportTable } from './table.js';

/** The pairs worth reading, the most frequent first: lengths have a table of their own, and that a category of family 1 has its own leaf is no news. */
export function tellingPairs({ tags }: CoOccurrence): TagPair[] {
  return tags.filter(({ tag, code }) => !tag.startsWith('length:') && tag !== code).sort((a, b) => b.count - a.count);
}

/** Rows that are printed. */
const MOST = 20;

interface Row extends TagPair {
  readonly printed: boolean;
}

export const categoryTagsTable = reportTable<Row>({
  name: 'category-tags',
  caption: () =>
    `Categories of failures with secondary tags, the ${MOST} most frequent pairs: shares of the category’s failures and of all failures; lift is the first over the second.`,
  rows: ({ analyses }) => {
    if (analyses === null) return [];
    const first = new Set(tellingPairs(analyses.coOccurrence).slice(0, MOST));
    return [...analyses.coOccurrence.tags].sort((a, b) => b.count - a.count).map((each) => ({ ...each, printed: first.has(each) }));
  },
  isPrinted: ({ printed }) => printed,
  columns: () => [
    { key: 'category_code', value: ({ code }) => code, print: { title: 'code' } },
    { key: 'category', value: ({ name }) => name, print: { title: 'category' } },
    { key: 'tag', value: ({ tag }) => tag, print: { title: 'tag' } },
    { key: 'kind', value: ({ kind }) => kind },
    { key: 'failures', value: ({ count }) => count, print: { title: 'failures', numeric: true, cell: ({ count }) => whole(count) } },
    { key: 'share', value: ({ share }) => share, print: { title: 'of category', numeric: true, cell: ({ share }) => percent(share) } },
    { key: 'overall', value: ({ overall }) => overall, print: { title: 'of all', numeric: true, cell: ({ overall }) => percent(overall) } },
    { key: 'lift', value: ({ lift }) => lift, print: { title: 'lift', numeric: true, cell: ({ lift }) => decimal(lift, 2) } },
  ],
});
