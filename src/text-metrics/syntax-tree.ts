/**
 * The syntax tree of a text, from tree-sitter's parser for Python: it exists for every text, also for one that does not compile, in which
 * `ERROR` nodes stand around what fits nowhere. Nothing is executed, and Python is not asked. Not CPython's tree, and no judge of what is
 * right: the grammar is wider than the language (a `return` outside of a function is as good as any other statement).
 *
 * The packages `web-tree-sitter` and `tree-sitter-python` bring parser and grammar as WebAssembly. Their versions are part of what a tree is,
 * and so of stored measures: `package.json` names exact ones, and another one is a change of a measure's definition.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Language, Parser, TreeCursor } from 'web-tree-sitter';
import { FaultlineError } from '../errors.js';
import type { PythonToken } from './python-tokens.js';

/**
 * A tree's nodes in postorder, by parallel columns: those that have a name in the grammar, and those that the parser had to add. Marks
 * (`(`, `+`, `def`) are none, and so texts of leaves are nowhere.
 */
export interface SyntaxTree {
  /** The grammar's number of the node's type, {@link ADDED} more where the parser added it. */
  readonly kinds: readonly number[];
  /** How many of the nodes before it, not counting those that belong to another, are its children. */
  readonly children: readonly number[];
  /** Whether there is anything below it, if only a mark. */
  readonly inner: readonly boolean[];
}

/** Longer texts have no tree, in UTF-16 units: the parser's time grows with the square of some broken texts' lengths. */
export const LONGEST_PARSED = 20_000;

/** Beyond the grammar's own numbers, of which there are 2^16. */
const ADDED = 0x1_0000;

/** Comments and joined lines are taken out of what is parsed; these are such as the parser reads into a string that is never closed. */
const NO_SYNTAX = ['comment', 'line_continuation'];

interface Grammar {
  /** Numbers of the types whose nodes are left out, with what is below them: marks, and what is no syntax. */
  readonly skipped: ReadonlySet<number>;
  readonly expressionStatement: number;
  readonly strings: ReadonlySet<number>;
  readonly newParser: () => Parser;
  parser: Parser;
}

let grammar: Grammar | undefined;
let loading: Promise<void> | undefined;

/**
 * Loads parser and grammar, once in a thread's life, however often it is called; some 20 ms and 20 MB. To be awaited before
 * {@link syntaxTreeOf}, which cannot wait.
 * @throws FaultlineError kind `internal` where the installation lacks either, or they do not fit each other
 */
export function loadGrammar(): Promise<void> {
  return (loading ??= load());
}

async function load(): Promise<void> {
  try {
    const { Language, Parser } = await import('web-tree-sitter');
    await Parser.init();
    const language = await Language.load(
      await readFile(createRequire(import.meta.url).resolve('tree-sitter-python/tree-sitter-python.wasm')),
    );
    const newParser = (): Parser => new Parser().setLanguage(language);
    const marks = Array.from({ length: language.nodeTypeCount }, (_, kind) => kind).filter((kind) => !language.nodeTypeIsNamed(kind));
    grammar = {
      skipped: new Set([...marks, ...NO_SYNTAX.map((name) => numberOf(language, name))]),
      expressionStatement: numberOf(language, 'expression_statement'),
      strings: new Set(['string', 'concatenated_string'].map((name) => numberOf(language, name))),
      newParser,
      parser: newParser(),
    };
  } catch (error) {
    throw new FaultlineError('internal', `the parser for Python's syntax cannot be loaded: ${String(error)}`, {
      hint: 'Install faultline again: the packages web-tree-sitter and tree-sitter-python are missing or of other versions.',
      cause: error,
    });
  }
}

function numberOf(language: Language, name: string): number {
  const number = language.idForNodeType(name, true);
  if (number === null) throw new Error(`the grammar has no node ${name}`);
  return number;
}

/**
 * The syntax tree of a text, without comments and without statements that are a string alone; null where the text is longer than
 * {@link LONGEST_PARSED} or the parser breaks down on it. Indentation of the first level is taken as it is, so that a function's body can
 * stand for itself. Time: some milliseconds for 10,000 characters; the stack is no limit to how deep it may be nested.
 * @param tokens what the text was cut into
 * @throws FaultlineError kind `internal` before {@link loadGrammar}
 */
export function syntaxTreeOf(text: string, tokens: readonly PythonToken[]): SyntaxTree | null {
  if (grammar === undefined) {
    throw new FaultlineError('internal', "a syntax tree was asked for before Python's grammar was loaded", {
      hint: 'Await loadGrammar() of src/text-metrics/syntax-tree.ts first.',
    });
  }
  if (text.length > LONGEST_PARSED) return null;
  try {
    const tree = grammar.parser.parse(withoutComments(text, tokens));
    if (tree === null) throw new Error('the parser has no language');
    try {
      const cursor = tree.walk();
      try {
        return nodesBelow(cursor, tree.rootNode.hasError, grammar);
      } finally {
        cursor.delete();
      }
    } finally {
      tree.delete();
    }
  } catch (error) {
    if (!isTrap(error)) throw error;
    // What it left of itself can be neither used nor taken apart.
    grammar.parser = grammar.newParser();
    return null;
  }
}

/** Memory or an instruction at its end, a `WebAssembly.RuntimeError`, which TypeScript knows in browsers alone; or the call stack. */
function isTrap(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof Error && error.name === 'RuntimeError');
}

/**
 * A text without comments and blank lines, each logical line's explicit joins become blanks: trees without comments are what is compared,
 * and the parser's time grows with the square of how many stand in a row.
 */
function withoutComments(text: string, tokens: readonly PythonToken[]): string {
  let out = '';
  let from = 0;
  let beginsLine = true;
  for (const { kind, start, end } of tokens) {
    const gap = text.slice(from, start).replace(/#[^\n]*|\\\n/g, ' ');
    out += beginsLine ? gap.slice(gap.lastIndexOf('\n') + 1) : gap;
    out += text.slice(start, end);
    from = end;
    beginsLine = kind === 'line_end';
  }
  return out;
}

/** A node whose children are being visited. */
interface OpenNode {
  readonly kind: number;
  /** How many nodes were finished before it. */
  readonly before: number;
  children: number;
  inner: boolean;
}

/**
 * The tree from where the cursor stands, its root. Without recursion: brackets may be nested deeper than a call stack is.
 * @param isBroken whether nodes may have been added: each question to the cursor costs a call into the parser's memory
 */
function nodesBelow(cursor: TreeCursor, isBroken: boolean, { skipped, expressionStatement, strings }: Grammar): SyntaxTree {
  const [kinds, children, inner]: [number[], number[], boolean[]] = [[], [], []];
  const ancestors: OpenNode[] = [];
  const finish = (node: OpenNode): void => {
    if (node.kind === expressionStatement && node.children === 1 && strings.has(kinds.at(-1)!)) {
      for (const column of [kinds, children, inner]) column.length = node.before;
      return;
    }
    kinds.push(node.kind);
    children.push(node.children);
    inner.push(node.inner);
    const parent = ancestors.at(-1);
    if (parent !== undefined) parent.children++;
  };
  for (;;) {
    const kind = cursor.nodeTypeId;
    const isAdded = isBroken && cursor.nodeIsMissing;
    if (isAdded || !skipped.has(kind)) {
      const node = { kind: isAdded ? kind + ADDED : kind, before: kinds.length, children: 0, inner: false };
      node.inner = cursor.gotoFirstChild();
      if (node.inner) {
        ancestors.push(node);
        continue;
      }
      finish(node);
    }
    while (!cursor.gotoNextSibling()) {
      if (!cursor.gotoParent()) return { kinds, children, inner };
      finish(ancestors.pop()!);
    }
  }
}
