/**
 * The edit distance of two ordered trees with labels, each step (insert, delete, relabel a node) at a cost of 1, and the similarity
 * of block structure that is made of it.
 *
 * Sources: K. Zhang and D. Shasha, "Simple fast algorithms for the editing distance between trees and related problems", SIAM J.
 * Comput. 18 (1989); the normalisation is Y. Li and C. Zhang's, "A metric normalization of tree edit distance", Frontiers of
 * Computer Science in China 5 (2011), with all weights 1.
 */
import type { Block } from './blocks.js';

/** A tree in postorder. */
interface Postorder {
  readonly labels: readonly string[];
  /** For each node, the first node in postorder of its subtree, its leftmost leaf. */
  readonly leftmost: Int32Array;
  /** Nodes that have a sibling on their left, and the root: the roots of the subtrees that are compared, ascending. */
  readonly keyRoots: readonly number[];
}

/** Fewest steps that turn one tree into the other. Memory: product of the sizes x 8 bytes; time: that times the depths or leaves. */
export function treeEditDistance(one: Block, other: Block): number {
  const a = postorder(one);
  const b = postorder(other);
  const width = b.labels.length;
  /** [node, node]: distance of the subtrees. */
  const trees = new Int32Array(a.labels.length * width);
  const stride = width + 1;
  /** [nodes from the left, nodes from the left]: distance of the forests that begin both subtrees. */
  const forests = new Int32Array((a.labels.length + 1) * stride);
  for (const i of a.keyRoots) {
    for (const j of b.keyRoots) {
      const startA = a.leftmost[i]!;
      const startB = b.leftmost[j]!;
      const rows = i - startA + 1;
      const columns = j - startB + 1;
      for (let x = 0; x <= rows; x++) forests[x * stride] = x;
      for (let y = 0; y <= columns; y++) forests[y] = y;
      for (let x = 1; x <= rows; x++) {
        const nodeA = startA + x - 1;
        const beforeA = a.leftmost[nodeA]! - startA;
        for (let y = 1; y <= columns; y++) {
          const nodeB = startB + y - 1;
          const beforeB = b.leftmost[nodeB]! - startB;
          const wholeTrees = beforeA === 0 && beforeB === 0;
          const kept = wholeTrees
            ? forests[(x - 1) * stride + y - 1]! + (a.labels[nodeA] === b.labels[nodeB] ? 0 : 1)
            : forests[beforeA * stride + beforeB]! + trees[nodeA * width + nodeB]!;
          const distance = Math.min(forests[(x - 1) * stride + y]! + 1, forests[x * stride + y - 1]! + 1, kept);
          forests[x * stride + y] = distance;
          if (wholeTrees) trees[nodeA * width + nodeB] = distance;
        }
      }
    }
  }
  return trees.at(-1)!;
}

/**
 * How like the structures of two texts are: 1 - 2d / (nodes of both + d) with the edit distance d and without the roots, which
 * always match. 1 for equal structures, two empty ones among them, 0 where one is empty.
 */
export function blockSimilarity(one: Block, other: Block): number {
  const distance = treeEditDistance(one, other);
  if (distance === 0) return 1;
  return 1 - (2 * distance) / (sizeOf(one) + sizeOf(other) - 2 + distance);
}

function sizeOf(root: Block): number {
  return postorder(root).labels.length;
}

/** Without recursion: a text may be indented deeper than a call stack is. */
function postorder(root: Block): Postorder {
  const labels: string[] = [];
  const leftmost: number[] = [];
  const keyRoots: number[] = [];
  const open = [{ block: root, next: 0, first: -1, key: true }];
  while (open.length > 0) {
    const top = open.at(-1)!;
    const child = top.block.children[top.next];
    if (child !== undefined) {
      open.push({ block: child, next: 0, first: -1, key: top.next > 0 });
      top.next++;
      continue;
    }
    open.pop();
    const number = labels.length;
    const first = top.first < 0 ? number : top.first;
    labels.push(top.block.label);
    leftmost.push(first);
    if (top.key) keyRoots.push(number);
    const above = open.at(-1);
    if (above !== undefined && above.first < 0) above.first = first;
  }
  return { labels, leftmost: Int32Array.from(leftmost), keyRoots };
}
