/** The tree that indentation spells, and the distance of trees against the recursion that defines it. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { blocksOf, type Block } from '../../../src/text-metrics/blocks.js';
import { pythonTokens } from '../../../src/text-metrics/python-tokens.js';
import { blockSimilarity, treeEditDistance } from '../../../src/text-metrics/zhang-shasha.js';
import { anyText } from './arbitrary.js';

/** A tree that still grows. */
interface Grown {
  readonly label: string;
  readonly children: Grown[];
}

const blocks = (text: string): Block => blocksOf(text, pythonTokens(text));
/** `label(child child)`, without the root. */
const spelled = (block: Block): string =>
  block.children.map((child) => `${child.label}${child.children.length > 0 ? `(${spelled(child)})` : ''}`).join(' ');

describe('the tree of a text', () => {
  test.each([
    ['', ''],
    ['    x = 1\n    return x\n', 'assignment return'],
    ['for x in xs:\n    if x:\n        n += 1\n    else:\n        break\nreturn n', 'for(if(augmented) else(break)) return'],
    ['async def f():\n  await g()\n', 'def(await)'],
    ['@cache\ndef f(a=1):\n\t"""Text."""\n\tprint(a == 2, end="")', 'decorator def(string expression)'],
    ['x = [\n        1,\n    2]\ny == 2', 'assignment expression'],
    ['if a: return b\nd[k] = v', 'if assignment'],
    ["x = 'open\n    y = 1\nz", 'assignment(assignment) expression'],
    ['  a\n b\n  c', 'expression expression(expression)'],
    ['“a”\nb', 'fault expression'],
    ['\tif a:\n            b', 'if(expression)'],
  ])('%j is %j', (text, tree) => {
    expect(spelled(blocks(text))).toBe(tree);
  });
});

describe('the distance of trees', () => {
  const node = (label: string, ...children: Block[]): Block => ({ label, children });

  it("is 2 in Zhang and Shasha's example", () => {
    const one = node('f', node('d', node('a'), node('c', node('b'))), node('e'));
    const other = node('f', node('c', node('d', node('a'), node('b'))), node('e'));
    expect(treeEditDistance(one, other)).toBe(2);
  });

  // The definition: the rightmost roots of two forests are deleted, inserted or matched.
  const plain = (one: Block, other: Block): number => {
    const sizes = (forest: readonly Block[]): number => forest.reduce((sum, { children }) => sum + 1 + sizes(children), 0);
    const distance = (a: readonly Block[], b: readonly Block[]): number => {
      const left = a.at(-1);
      const right = b.at(-1);
      if (left === undefined || right === undefined) return sizes(a) + sizes(b);
      return Math.min(
        distance([...a.slice(0, -1), ...left.children], b) + 1,
        distance(a, [...b.slice(0, -1), ...right.children]) + 1,
        distance(left.children, right.children) + distance(a.slice(0, -1), b.slice(0, -1)) + (left.label === right.label ? 0 : 1),
      );
    };
    return distance([one], [other]);
  };
  const label = fc.constantFrom('if', 'for', 'return');
  // Each node goes under the last one or under one further up: any tree of up to `nodes` nodes can come out.
  const treeOf = (nodes: number): fc.Arbitrary<Block> =>
    fc.array(fc.tuple(label, fc.nat(4)), { minLength: 1, maxLength: nodes }).map((steps) => {
      const root: Grown = { label: steps[0]![0], children: [] };
      const path = [root];
      for (const [name, up] of steps.slice(1)) {
        path.length = Math.max(1, path.length - up);
        const grown: Grown = { label: name, children: [] };
        path.at(-1)!.children.push(grown);
        path.push(grown);
      }
      return root;
    });
  const small = treeOf(6);
  const tree = treeOf(15);

  it('is what its definition says', () => {
    fc.assert(
      fc.property(small, small, (one, other) => {
        expect(treeEditDistance(one, other)).toBe(plain(one, other));
      }),
      { numRuns: 400 },
    );
  });

  it('obeys the triangle inequality, also when it is normalised', () => {
    const between = (a: Block, b: Block): number => 1 - blockSimilarity(node('text', a), node('text', b));
    fc.assert(
      fc.property(tree, tree, tree, (a, b, c) => {
        expect(treeEditDistance(a, c)).toBeLessThanOrEqual(treeEditDistance(a, b) + treeEditDistance(b, c));
        expect(between(a, c)).toBeLessThanOrEqual(between(a, b) + between(b, c) + 1e-12);
      }),
    );
  });

  it('makes a similarity from 0 to 1, symmetric, 1 for equal trees alone', () => {
    fc.assert(
      fc.property(anyText, anyText, (a, b) => {
        const [one, other] = [blocks(a), blocks(b)];
        const similarity = blockSimilarity(one, other);
        expect(similarity).toBe(blockSimilarity(other, one));
        expect(similarity).toBeGreaterThanOrEqual(0);
        expect(similarity === 1).toBe(spelled(one) === spelled(other));
        expect(blockSimilarity(one, one)).toBe(1);
      }),
    );
  });

  it('is 0 where one text has no lines, and takes trees of any depth', () => {
    expect(blockSimilarity(blocks(''), blocks('x\ny'))).toBe(0);
    expect(blockSimilarity(blocks(''), blocks('# nothing\n'))).toBe(1);
    const stairs = Array.from({ length: 3_000 }, (_, depth) => `${' '.repeat(depth)}x`).join('\n');
    expect(blockSimilarity(blocks(stairs), blocks('x'))).toBeCloseTo(1 - (2 * 2_999) / (3_001 + 2_999), 12);
  });
});
