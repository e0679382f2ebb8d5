/**
 * Lines that are written in another language by marks of their own: HTML's tags, Markdown's lists and bold remarks, functions in braces.
 * The sandbox counts what cannot be Python token by token (`SourceFacts`); these are lines of which most tokens, taken alone, could be.
 * Each sign is one that no Python has, however broken. Pure; decides no leaf.
 */
import { isKeyword, scan } from '../python-scan.js';
import { linesOf, programOf } from './program-text.js';
import type { Evidence } from './types.js';

/** Of the completion: blank lines, comments and the inside of texts in triple quotes left out. */
export interface ForeignLines {
  readonly lines: number;
  readonly foreign: number;
  /** Characters of all those lines and of the foreign ones, blanks left out. */
  readonly characters: number;
  readonly foreignCharacters: number;
}

/** `<p>`, `</p>`, `<a href="x">`, `<!DOCTYPE html>`, `<!-- ...`: no statement begins with `<`. */
const TAG = /^<(?:!DOCTYPE\b|!--|\/?[a-z][a-z0-9-]*(?:\s[^<>]*)?\/?>)/i;
/** Of a list, a quotation, or a remark whose beginning is bold: where two plain words follow side by side. */
const MARKDOWN = /^(?:[-*+>]|\d+[.)])\s|^\*\*[^*]+\*\*/;
/** The head of a function with its brace: `fn f(x: i32) -> i32 {`, `func f(x int) int {`, `public function f($x): int {`. */
const FUNCTION = /^(?:[a-z]+ +)*(?:fn|fun|func|function)\s+\w+\s*[(<][^{]*\{/;

/** Counts the lines of the completion; of one that begins in the prompt, the whole line. Linear. */
export function foreignLines(evidence: Pick<Evidence, 'prompt' | 'completion'>): ForeignLines {
  const program = programOf(evidence);
  const code = program.replace(/("""|''')[\s\S]*?(?:\1|$)/g, (text) => text.replace(/[^\r\n]/g, ' '));
  const found = { lines: 0, foreign: 0, characters: 0, foreignCharacters: 0 };
  // How many braces are open within a function in braces; 0 outside.
  let depth = 0;
  for (const { start, end } of linesOf(code)) {
    const line = code.slice(start, end).trim();
    if (end <= evidence.prompt.length || line === '' || line.startsWith('#')) continue;
    const isFunction = depth > 0 || FUNCTION.test(line);
    if (isFunction) depth = Math.max(0, depth + bracesOpened(line));
    const characters = line.replace(/\s/g, '').length;
    found.lines++;
    found.characters += characters;
    if (isFunction || TAG.test(line) || (MARKDOWN.test(line) && hasWordsSideBySide(line))) {
      found.foreign++;
      found.foreignCharacters += characters;
    }
  }
  return found;
}

/** Braces that a line opens, less those that it closes, the ones in quotes left out. */
function bracesOpened(line: string): number {
  let sum = 0;
  let isQuoted = false;
  for (let at = 0; at < line.length; at++) {
    const character = line[at]!;
    if (character === '\\') at++;
    else if (character === '"') isQuoted = !isQuoted;
    // A single quote may be one of Rust's lifetimes: only a pair around the brace counts.
    else if (!isQuoted && !(line[at - 1] === "'" && line[at + 1] === "'")) sum += character === '{' ? 1 : character === '}' ? -1 : 0;
  }
  return sum;
}

/** As in prose, and nowhere in Python: there a keyword stands between, or a mark. */
function hasWordsSideBySide(line: string): boolean {
  // A bracket without another would be the last token.
  const { tokens } = scan(line.replace(/^\d+\)/, ''));
  return tokens.some((token, index) => {
    const before = tokens[index - 1];
    return (
      before !== undefined && [before, token].every((each) => each.kind === 'word' && !isKeyword(each)) && token.start === before.end + 1
    );
  });
}
