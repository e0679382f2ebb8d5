/**
 * What people write as labels: the name of a leaf, or its code. Decides about no program.
 *
 * A spreadsheet makes 4.1 of 4.10 without a word. In a file such a code is therefore no label, and the name has to be given.
 */
import type { Category } from '../../taxonomy/types.js';

/** What a text means. `ambiguous`: a code that a spreadsheet may have made of the other one. */
export type Label = { readonly leaf: Category } | { readonly ambiguous: readonly [Category, Category] } | { readonly unknown: true };

/** The leaf of a label in a file: a name, a code, or both. Case and blanks around it do not matter. */
export function labelInFile(text: string, leaves: readonly Category[]): Label {
  const leaf = leafOf(text, leaves);
  if (leaf === null) return { unknown: true };
  const tenth = leaves.find(({ code }) => code === `${leaf.code}0`);
  return tenth === undefined || !isNumber(text) ? { leaf } : { ambiguous: [leaf, tenth] };
}

/** The leaf that a name, a code or both mean; null where that is none. */
export function leafOf(text: string, leaves: readonly Category[]): Category | null {
  const words = text.trim().toLowerCase();
  return leaves.find(({ code, name }) => [code, name, `${code} ${name}`, `${name} ${code}`, `${name} (${code})`].includes(words)) ?? null;
}

/** The leaves in whose code, name or definition every word occurs, in the tree's order. */
export function searchLeaves(text: string, leaves: readonly Category[]): Category[] {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return leaves.filter(({ code, name, rule }) => {
    const all = `${code} ${name} ${rule}`.toLowerCase();
    return words.length > 0 && words.every((word) => all.includes(word));
  });
}

/** The part of a code before its dot: the top level of the tree. */
export function familyOf(code: string): string {
  return code.split('.')[0]!;
}

function isNumber(text: string): boolean {
  return /^\s*\d+(\.\d+)?\s*$/.test(text);
}
