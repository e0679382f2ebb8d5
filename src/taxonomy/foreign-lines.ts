/**
 * Lines that are written in another language by marks of their own: HTML's tags, Markdown's lists and bold remarks, functions in braces.
 * The sandbox counts what cannot be Python token by token (`SourceFacts`); these are lines of which most tokens, taken alone, could be.
 * Outside brackets and texts, no line of a program that parses begins with one of these signs; one that does not may have one by chance, so
 * that it is their share which tells. Pure; decides no leaf.
 */
import { isKeyword, scan } from '../python-scan.js';
import { linesOf, programOf, type Line } from './program-text.js';
import type { Evidence } from './types.js';

/** Of the completion: blank lines, lines that are comments, and texts in triple quotes left out. */
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
  const { code, brackets } = layoutOf(program);
  const found = { lines: 0, foreign: 0, characters: 0, foreignCharacters: 0 };
  // How many braces are open within a function in braces; 0 outside.
  let depth = 0;
  // The first bracket that may still be open.
  let next = 0;
  for (const { start, end } of linesOf(code)) {
    while (next < brackets.length && brackets[next]!.end <= start) next++;
    const isInBrackets = next < brackets.length && brackets[next]!.start < start;
    const line = code.slice(start, end).trim();
    if (end <= evidence.prompt.length || line === '' || line.startsWith('#')) continue;
    const isFunction = depth > 0 || FUNCTION.test(line);
    if (isFunction) depth = Math.max(0, depth + bracesOpened(line));
    const characters = line.replace(/\s/g, '').length;
    found.lines++;
    found.characters += characters;
    if (isFunction || (!isInBrackets && (TAG.test(line) || (MARKDOWN.test(line) && hasWordsSideBySide(line))))) {
      found.foreign++;
      found.foreignCharacters += characters;
      // A bracket that stands on a foreign line is none of Python's: lines behind it are not within it.
      while (next < brackets.length && brackets[next]!.start < end) next++;
    }
  }
  return found;
}

/** A number and the word that it runs into. */
const NUMBER_AND_WORD = /[\p{ID_Continue}.]+/uy;
const OPENERS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/**
 * The program with blanks for its texts in triple quotes, and where its outermost brackets stand, those that are never closed up to its end. Read
 * by Python's tokens; behind one that is none it goes on as if nothing had been there, with the brackets open that were. Linear.
 */
function layoutOf(program: string): { readonly code: string; readonly brackets: readonly Line[] } {
  const texts: Line[] = [];
  const brackets: Line[] = [];
  const open: { readonly mark: string; readonly at: number }[] = [];
  const isTriple = (at: number): boolean => /^[a-z]{0,2}(?:"""|''')/i.test(program.slice(at, at + 5));
  const close = (at: number): void => {
    open.pop();
    if (open.length === 0) brackets[brackets.length - 1] = { start: brackets.at(-1)!.start, end: at };
  };
  const mark = (text: string, at: number): void => {
    if ('([{'.includes(text)) {
      if (open.length === 0) brackets.push({ start: at, end: program.length });
      open.push({ mark: text, at });
    } else if (open.length > 0 && open.at(-1)!.mark === OPENERS[text]) close(at + 1);
  };
  const lines = linesOf(program);
  let line = 0;
  let from = 0;
  while (from < program.length) {
    const { tokens, fault } = scan(program.slice(from));
    for (const { kind, start, end, text } of tokens) {
      if (kind === 'mark') mark(text, from + start);
      else if (kind === 'string' && isTriple(from + start)) texts.push({ start: from + start, end: from + end });
    }
    if (fault === null) break;
    const at = from + fault.at;
    from = at + 1;
    if (fault.kind === 'unmatched') mark(program[at]!, at);
    else if (fault.kind === 'number') {
      NUMBER_AND_WORD.lastIndex = at;
      from = at + (NUMBER_AND_WORD.exec(program)?.[0].length ?? 1);
    } else if (fault.kind === 'unterminated') {
      if (isTriple(at)) {
        texts.push({ start: at, end: program.length });
        break;
      }
      // An apostrophe of prose, or a text that was never ended: what this line opened, it may also have closed.
      while (lines[line]!.end < at) line++;
      from = lines[line + 1]?.start ?? program.length;
      while (open.length > 0 && open.at(-1)!.at >= lines[line]!.start) close(at);
    }
  }
  return { code: withBlanks(program, texts), brackets };
}

/** The program with blanks in place of these parts, in their order, their line breaks apart. */
function withBlanks(program: string, parts: readonly Line[]): string {
  const pieces: string[] = [];
  let copied = 0;
  for (const { start, end } of parts) {
    pieces.push(program.slice(copied, start), program.slice(start, end).replace(/[^\r\n]/g, ' '));
    copied = end;
  }
  return pieces.join('') + program.slice(copied);
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

/** As in prose, and nowhere in Python that parses: there a keyword stands between, or a mark. */
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
