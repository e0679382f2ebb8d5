/**
 * What occurs together: categories with secondary tags in one sample, and two categories among the samples of one problem. Pure. Counts
 * with what independence would give beside them, and no tests: tags are not independent of the rules that chose the category.
 */
import { compareCodes } from '../category-order.js';
import { failuresByCategory, type AnalysisRow, type CategoryKey } from './rows.js';

export interface CoOccurrence {
  /** Of failures; by category, then the most frequent first. Pairs that did not occur are absent. */
  readonly tags: readonly TagPair[];
  /** Of different categories, the smaller code first; by how many problems have both, then by code. Pairs that did not occur are absent. */
  readonly problems: readonly CategoryPair[];
}

/** What else is true of samples of a category. */
export interface TagPair extends CategoryKey {
  /** A tag of `src/taxonomy/tags.ts`, or the code of a leaf of family 1 that was found beside another category. */
  readonly tag: string;
  readonly kind: 'tag' | 'generation';
  readonly count: number;
  /** Of the category's failures. */
  readonly share: number;
  /** Of all failures. */
  readonly overall: number;
  /** `share` over `overall`: 1 where the tag is as frequent here as elsewhere. */
  readonly lift: number;
}

export interface CategoryPair {
  readonly a: CategoryKey;
  readonly b: CategoryKey;
  /** Problems with failures of both, of `a`, and of `b`. */
  readonly both: number;
  readonly withA: number;
  readonly withB: number;
  /** What `both` would be on average if the two fell on problems independently of each other: withA x withB / problems with a sample. */
  readonly expected: number;
}

export function coOccurrence(rows: readonly AnalysisRow[]): CoOccurrence {
  const categories = failuresByCategory(rows);
  return { tags: tagPairs(categories), problems: categoryPairs(categories, new Set(rows.map(({ problem }) => problem)).size) };
}

type Category = ReturnType<typeof failuresByCategory<AnalysisRow>>[number];

function tagPairs(categories: readonly Category[]): TagPair[] {
  const failures = categories.flatMap(({ rows }) => rows);
  const overall = tagCounts(failures);
  return categories.flatMap(({ code, name, rows }) =>
    [...tagCounts(rows)]
      // A sample whose category is of family 1 was found to have that leaf: it stands in every row of its own, and says nothing more. The
      // config's own category has its leaf's code before a colon.
      .filter(([, { tag, kind }]) => kind !== 'generation' || tag !== code?.split(':')[0])
      .map(([key, { tag, kind, count }]): TagPair => {
        const share = count / rows.length;
        const everywhere = overall.get(key)!.count / failures.length;
        return { code, name, tag, kind, count, share, overall: everywhere, lift: share / everywhere };
      })
      .sort((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1)),
  );
}

function tagCounts(rows: readonly AnalysisRow[]): Map<string, { readonly tag: string; readonly kind: TagPair['kind']; count: number }> {
  const counts = new Map<string, { readonly tag: string; readonly kind: TagPair['kind']; count: number }>();
  const add = (tag: string, kind: TagPair['kind']): void => {
    const key = `${kind} ${tag}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { tag, kind, count: 1 });
    else known.count++;
  };
  for (const { tags, generationCode } of rows) {
    for (const tag of tags) add(tag, 'tag');
    if (generationCode !== null) add(generationCode, 'generation');
  }
  return counts;
}

function categoryPairs(categories: readonly Category[], problems: number): CategoryPair[] {
  const problemsOf = categories.map(({ rows }) => new Set(rows.map(({ problem }) => problem)));
  const pairs: CategoryPair[] = [];
  for (let i = 0; i < categories.length; i++) {
    for (let j = i + 1; j < categories.length; j++) {
      const both = [...problemsOf[i]!].filter((problem) => problemsOf[j]!.has(problem)).length;
      if (both === 0) continue;
      const [withA, withB] = [problemsOf[i]!.size, problemsOf[j]!.size];
      const key = ({ code, name }: Category): CategoryKey => ({ code, name });
      pairs.push({ a: key(categories[i]!), b: key(categories[j]!), both, withA, withB, expected: (withA * withB) / problems });
    }
  }
  return pairs.sort((p, q) => q.both - p.both || compareCodes(p.a.code, q.a.code) || compareCodes(p.b.code, q.b.code));
}
