/** The match of syntax trees: counted by hand, held against a second way of counting, on broken and hostile texts, and after a breakdown. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { Language, Parser, Tree, TreeCursor, type Node } from 'web-tree-sitter';
import { measureText } from '../../../src/text-metrics/measure-text.js';
import { ComparedText } from '../../../src/text-metrics/text.js';
import { astMatch } from '../../../src/text-metrics/ast-match.js';
import { loadGrammar, LONGEST_PARSED, syntaxTreeOf } from '../../../src/text-metrics/syntax-tree.js';
import { anyText } from './arbitrary.js';

beforeAll(loadGrammar);
afterEach(() => {
  vi.restoreAllMocks();
});

const treeOf = (text: string) => new ComparedText(text).syntaxTree!;
const match = (reference: string, sample: string): number => astMatch(treeOf(reference), treeOf(sample));

describe('counted by hand', () => {
  test.each([
    // The text and its statement; a name is a leaf, and no subtree.
    ['return x', 'return y', 2, 2],
    ['return x', 'return 1', 0, 2],
    ['pass', 'pass', 2, 2],
    ['pass', 'x', 0, 2],
    // The text, the statement and its assignment, the return.
    ['x = 1\nreturn x', 'total = 0\nreturn 1', 2, 4],
    ['x = 1\nreturn x', 'return x\nx = 1', 3, 4],
    // One assignment stands for one: the text and two statements with an assignment each.
    ['x = 1\ny = 2', 'x = 1', 2, 5],
    ['x = 1', 'x = 1\ny = 2', 2, 3],
    // Operators are marks, and told apart by nothing.
    ['return a + b', 'return x * y', 3, 3],
    // The text, the loop and its block, the statement in it with its call and arguments: what is below the loop is in the sample too.
    ['for x in y:\n    f(x)', 'while x:\n    f(x)', 4, 6],
    ['for x in y:\n    f(x)', 'while x:\n    f(x)\n    f(x)', 3, 6],
    // The argument is a leaf here and none there, and so are all that it stands in.
    ['f(a=b)', 'f(a)', 0, 5],
    // A body at any level, and of any indentation.
    ['    if x:\n        return y\n    return z', 'if a:\n  return b\nreturn c', 5, 5],
  ])('%j has in %j %d of %d subtrees', (reference, sample, shared, all) => {
    expect(match(reference, sample)).toBe(shared / all);
  });

  test.each([
    ['comments', '    # a\n    x = 1  # b\n\n    # c\n    return [x,  # d\n      x]', '    x = 1\n    return [x, x]'],
    ['statements that are a string', '    """What it does."""\n    x = 1\n    "a" "b"', '    x = 1'],
    ['joined lines', '    return x + \\\n        \\\n  y', '    return x + y'],
    ['blank lines', '    if x:\n\n\n        y\n\n    z', '    if x:\n        y\n    z'],
  ])('%s count for nothing', (_, one, other) => {
    expect([match(one, other), match(other, one)]).toEqual([1, 1]);
  });

  it('strings with a use count, and so does what is in them', () => {
    expect(match('x = "a"', 'x = "b"')).toBe(1);
    expect(match('x = f"{a}"', 'x = "a"')).toBe(0);
    expect(match('f("""a""")', 'f()')).toBe(0);
  });

  it('a text that does not parse has what parses of it', () => {
    // The return is whole in both; the text is not.
    expect(match('x = 1\nreturn x', 'x = 1\nreturn x\nfoo(')).toBe(3 / 4);
    expect(match('x = 1\nreturn x', 'x = 1\nreturn x)')).toBeLessThan(1);
    expect(match('x = 1\nreturn x', 'Here is the function: it returns x!')).toBe(0);
    // What the parser adds to go on is told from what is there.
    expect(match('x = 1\nif x:\n    y', 'x = 1\nif x\n    y')).toBeLessThan(1);
  });
});

/** Every subtree as the parser spells it, without fields; of a text without comments, joined lines and statements that are a string. */
function spelled(root: Node): string[] {
  const subtrees: string[] = [];
  const visit = (node: Node, isRoot: boolean): void => {
    if (isRoot || (node.isNamed && node.childCount > 0)) {
      // `(UNEXPECTED 'x')` is a leaf with its text.
      const text = node.toString().replace(/\(UNEXPECTED (?:'[^]+?'|\d+)\)/gu, '(ERROR)');
      subtrees.push(text.replace(/[a-z_]+: /g, ''));
    }
    for (const child of node.children) visit(child, false);
  };
  visit(root, true);
  return subtrees;
}

describe('a second way of counting', () => {
  let parser: Parser;
  beforeAll(async () => {
    await Parser.init();
    const wasm = createRequire(import.meta.url).resolve('tree-sitter-python/tree-sitter-python.wasm');
    parser = new Parser().setLanguage(await Language.load(readFileSync(wasm)));
  });
  const count = (reference: string, sample: string): number => {
    const of = (text: string): string[] => {
      const tree = parser.parse(new ComparedText(text).text)!;
      const subtrees = spelled(tree.rootNode);
      tree.delete();
      return subtrees;
    };
    const [wanted, left] = [of(reference), of(sample)];
    const shared = wanted.filter((subtree) => {
      const at = left.indexOf(subtree);
      if (at >= 0) left.splice(at, 1);
      return at >= 0;
    });
    return shared.length / wanted.length;
  };

  it('agrees on the bundled solutions, each beside all others', () => {
    const file = new URL('../../../data/problems/pico-tasks.jsonl', import.meta.url);
    const solutions = readFileSync(file, 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { canonical_solution: string }).canonical_solution); // prettier-ignore
    const few = solutions.filter((_, place) => place % 7 === 0);
    expect(few.length).toBeGreaterThan(5);
    for (const reference of few) for (const sample of few) expect(match(reference, sample)).toBe(count(reference, sample));
    expect(few.some((reference) => few.some((sample) => ![0, 1].includes(match(reference, sample))))).toBe(true);
  });

  it('agrees on pieces of programs, whole or broken', () => {
    const pieces = ['for i in range(n):\n', '    return x\n', '    ', '\n', 'if x:', 'else', 'x', 'y = 1', ' + ', ' not in ', '(', ')', '[1, 2]', ':', ',', 'lambda a: a', 'def f(a=1):\n', 'x.y', ' = ', '\tpass\n', 'class', '!', '1.5', '日本', '@', '*']; // prettier-ignore
    // Without blank lines: how the parser recovers depends on how many it must skip, and we take them out.
    const program = fc.array(fc.constantFrom(...pieces), { maxLength: 25 }).map((parts) => parts.join('').replace(/\n\s*(?=\n)/g, ''));
    fc.assert(
      fc.property(program, program, (reference, sample) => {
        expect(match(reference, sample)).toBe(count(reference, sample));
      }),
      { numRuns: 500 },
    );
  });
});

describe('any text', () => {
  it('has a tree, the same one whatever was parsed before', () => {
    fc.assert(
      fc.property(anyText, anyText, (text, other) => {
        const tree = treeOf(text);
        treeOf(other);
        expect(treeOf(text)).toEqual(tree);
        expect(tree.children.reduce((sum, each) => sum + each, 0)).toBe(tree.kinds.length - 1);
        expect(astMatch(tree, tree)).toBe(1);
      }),
    );
  });

  const long = (piece: string): string => piece.repeat(Math.floor(LONGEST_PARSED / piece.length));
  test.each([
    ['opening brackets', long('(')],
    ['closing brackets', long(']')],
    ['brackets in brackets', `${'['.repeat(LONGEST_PARSED / 2)}${']'.repeat(LONGEST_PARSED / 2)}`],
    ['brackets of all kinds', long('([{')],
    ['calls', long('f(')],
    ['prefixes', long('not ')],
    ['powers', long('2**')],
    ['open lambdas', long('lambda:')],
    ['conditions', long('a if b else ')],
    ['stairs', Array.from({ length: 190 }, (_, depth) => `${' '.repeat(depth)}if x:`).join('\n')],
    ['NULs', long('x\0')],
    ['halves of pairs', long('\ud800')],
    ['halves of pairs in strings', long('x = "\udc00"\n')],
    ['joined lines', `x${long('\\\n').slice(2)}y`],
    ['comments', `if x:\n    y\n${long('    # c\n').slice(20)}z`],
    ['open strings', long("f'{")],
    ['open triple quotes', long("'''\n")],
    ['marks', long('$?!`')],
    ['prose', long('Here is a solution: first, as (you) said, it is.\n')],
  ])('of %s is parsed', (_, text) => {
    expect(text.length).toBeGreaterThan(LONGEST_PARSED / 2 - 2_000);
    const tree = treeOf(text);
    expect(tree).not.toBeNull();
    expect(astMatch(tree, tree)).toBe(1);
    expect(match('x = 1\nreturn x', 'y = 2\nreturn 1')).toBe(2 / 4);
  });

  it('that is too long has no tree, and no value', () => {
    const text = 'x'.repeat(LONGEST_PARSED + 1);
    expect(new ComparedText(text).syntaxTree).toBeNull();
    expect(measureText({ completion: text, reference: 'x' }).ast_match).toBeNull();
    expect(measureText({ completion: 'x', reference: text }).ast_match).toBeNull();
    expect(measureText({ completion: text.slice(1), reference: 'x' }).ast_match).toBe(1);
  });
});

describe('the parser', () => {
  it.each(['web-tree-sitter', 'tree-sitter-python'])(
    'is %s of the version that the README names: another one may give other values',
    (name) => {
      const json = (url: URL) => JSON.parse(readFileSync(url, 'utf8')) as { version: string; dependencies: Record<string, string> };
      const root = new URL('../../../', import.meta.url);
      const { version } = json(new URL(`node_modules/${name}/package.json`, root));
      // Where this fails: the README's line, and a migration that marks the rows of text_measures as stale.
      expect(readFileSync(new URL('src/text-metrics/README.md', root), 'utf8')).toContain(`${name} ${version}`);
      expect(json(new URL('package.json', root)).dependencies[name]).toBe(version);
    },
  );

  const trap = (): Error =>
    new (globalThis as unknown as { WebAssembly: { RuntimeError: ErrorConstructor } }).WebAssembly.RuntimeError('unreachable');

  it.each([
    ['traps', trap()],
    ['runs out of stack', new RangeError('Maximum call stack size exceeded')],
  ])('that %s gives no tree for that text, and another one parses the next', (_, error) => {
    const parse = vi.spyOn(Parser.prototype, 'parse');
    parse.mockImplementationOnce(() => {
      throw error;
    });
    expect(measureText({ completion: 'x', reference: 'y' }).ast_match).toBeNull();
    expect(match('return x', 'return y')).toBe(1);
    expect(parse.mock.contexts).toHaveLength(4);
    expect(new Set(parse.mock.contexts).size).toBe(2);
    expect(parse.mock.contexts[1]).not.toBe(parse.mock.contexts[0]);
  });

  it('that fails otherwise says so', () => {
    vi.spyOn(Parser.prototype, 'parse').mockImplementationOnce(() => {
      throw new TypeError('ours');
    });
    expect(() => treeOf('x')).toThrow('ours');
  });

  it('leaves nothing in its memory, which nobody collects', () => {
    const [trees, cursors] = [vi.spyOn(Tree.prototype, 'delete'), vi.spyOn(TreeCursor.prototype, 'delete')];
    for (const text of ['', 'x = 1', 'foo(', '"""']) treeOf(text);
    expect([trees.mock.calls.length, cursors.mock.calls.length]).toEqual([4, 4]);
  });

  it('is asked for before it is used', async () => {
    vi.resetModules();
    const fresh = await import('../../../src/text-metrics/syntax-tree.js');
    expect(() => fresh.syntaxTreeOf('x', [])).toThrow(/before Python's grammar was loaded/);
    await fresh.loadGrammar();
    await fresh.loadGrammar();
    expect(fresh.syntaxTreeOf('', [])).toEqual(syntaxTreeOf('', []));
  });
});
