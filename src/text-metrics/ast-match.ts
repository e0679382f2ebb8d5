/**
 * The syntactic match of CodeBLEU: which share of the reference's subtrees the sample has too. One of CodeBLEU's four parts; not CodeBLEU,
 * and no edit distance: a subtree is there or it is not.
 *
 * Source: S. Ren et al., "CodeBLEU: a method for automatic evaluation of code synthesis", arXiv:2009.10297 (2020), section 3.3:
 * Count_clip(T_cand) / Count(T_ref). As in its authors' program, a subtree is a node with anything below it and all that is below it, the
 * root's among them, told by the types of the nodes that have a name in tree-sitter's grammar: names, numbers, texts and operators count for
 * nothing, and comments and statements that are a string alone are left out. Three differences: matches are clipped, as the paper says and
 * the program does not, so that one subtree of the sample stands for one of the reference; a mark of several words (`not in`) is no
 * subtree; and the text is a function's body and not a file.
 */
import type { SyntaxTree } from './syntax-tree.js';

/** From 0 to 1: 1 for equal trees, two empty ones among them; 0 where nothing is common or one is empty. */
export function astMatch(reference: SyntaxTree, sample: SyntaxTree): number {
  const numbers = new Map<string, number>();
  const left = new Map<number, number>();
  for (const subtree of subtreesOf(sample, numbers)) left.set(subtree, (left.get(subtree) ?? 0) + 1);
  const wanted = subtreesOf(reference, numbers);
  let matches = 0;
  for (const subtree of wanted) {
    const count = left.get(subtree) ?? 0;
    if (count === 0) continue;
    left.set(subtree, count - 1);
    matches++;
  }
  return matches / wanted.length;
}

/**
 * The numbers of a tree's subtrees, its own last: equal subtrees, and no others, get equal numbers. A subtree is known by its root and by
 * the numbers of what is directly below it, so that time is linear in the nodes, however deep they are nested.
 * @param numbers of the subtrees seen so far, those of other trees among them; is added to
 */
function subtreesOf({ kinds, children, inner }: SyntaxTree, numbers: Map<string, number>): number[] {
  const subtrees: number[] = [];
  /** The numbers of nodes that no parent has taken yet. */
  const loose: number[] = [];
  for (let node = 0; node < kinds.length; node++) {
    const key = `${kinds[node]!} ${loose.splice(loose.length - children[node]!).join(' ')}`;
    let number = numbers.get(key);
    if (number === undefined) numbers.set(key, (number = numbers.size));
    loose.push(number);
    // The root of an empty text has nothing below it, and is a subtree all the same.
    if (inner[node]! || node === kinds.length - 1) subtrees.push(number);
  }
  return subtrees;
}
