/**
 * The block structure that a text's indentation spells: a tree of its logical lines, each with the kind of statement that it begins.
 * Read off the tokens, without a parser and without Python: it exists for every text, also for one that does not compile, and knows
 * nothing of expressions. Not a syntax tree: a line that Python would refuse is a node like any other.
 */
import { isKeyword } from '../python-scan.js';
import type { PythonToken } from './python-tokens.js';

/** A logical line and the lines indented under it. */
export interface Block {
  /** A keyword (`if`, `return`, ...), or `assignment`, `augmented`, `decorator`, `string`, `expression`, `fault`; `text` at the root. */
  readonly label: string;
  readonly children: readonly Block[];
}

interface OpenBlock {
  readonly label: string;
  readonly children: OpenBlock[];
  readonly column: number;
}

/**
 * The tree under a root that stands for the whole text. A line is a child of the nearest line above it that is indented less; a
 * text that is a function's body begins indented, and that is its level.
 * @param text what `tokens` were cut from
 */
export function blocksOf(text: string, tokens: readonly PythonToken[]): Block {
  const root: OpenBlock = { label: 'text', children: [], column: -1 };
  const path: OpenBlock[] = [root];
  for (let first = 0; first < tokens.length;) {
    let end = first;
    while (end < tokens.length && tokens[end]!.kind !== 'line_end') end++;
    if (end > first) {
      const line: OpenBlock = { label: labelOf(tokens, first, end), children: [], column: columnOf(text, tokens[first]!.start) };
      while (path.at(-1)!.column >= line.column) path.pop();
      path.at(-1)!.children.push(line);
      path.push(line);
    }
    first = end + 1;
  }
  return root;
}

/** What the line of tokens `first` to `end`, not included, begins. */
function labelOf(tokens: readonly PythonToken[], first: number, end: number): string {
  const { kind, text } = tokens[first]!;
  if (kind === 'fault') return 'fault';
  if (isKeyword(tokens[first]!)) return text === 'async' ? (tokens[first + 1]?.text ?? text) : text;
  if (text === '@') return 'decorator';
  if (kind === 'string' && end === first + 1) return 'string';
  let depth = 0;
  for (let at = first; at < end; at++) {
    const token = tokens[at]!;
    if (token.kind !== 'mark') continue;
    if ('([{'.includes(token.text)) depth++;
    else if (')]}'.includes(token.text)) depth--;
    else if (depth === 0 && token.text === '=') return 'assignment';
    else if (depth === 0 && /^(?:\*\*|\/\/|>>|<<|[-+*/%@&|^])=$/.test(token.text)) return 'augmented';
  }
  return 'expression';
}

/** How far the line of the token at `start` is indented: a tab goes to the next multiple of eight and a form feed back to 0, as in Python. */
function columnOf(text: string, start: number): number {
  let column = 0;
  for (let at = text.lastIndexOf('\n', start - 1) + 1; at < start; at++) {
    const character = text[at];
    if (character === ' ') column++;
    else if (character === '\t') column = (Math.floor(column / 8) + 1) * 8;
    else if (character === '\f') column = 0;
    else break;
  }
  return column;
}
