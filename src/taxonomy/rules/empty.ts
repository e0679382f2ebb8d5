/**
 * 1.2: a body that does nothing: blank, comments, a docstring, `pass`, `...`, a bare `return`, or a raise of
 * NotImplementedError, which where it leaves a call is 4.9, with this beside it. The body is the completion where the prompt has the
 * header, or else that of the entry point, wherever its `def` stands. Read from the text's tokens, so that it needs no parser; a
 * statement that is anything else means that the body is not empty.
 */
import { scan, type ScannedToken } from '../../python-scan.js';
import { programOf } from '../program-text.js';
import type { Evidence } from '../types.js';
import type { Rule } from './rule.js';

/** What can bind a name that the program's text need not hold, or run text that does. */
const BINDS_UNSEEN: ReadonlySet<string> = new Set(['globals', 'locals', 'vars', 'exec', 'eval', 'setattr', '__setattr__', '__dict__']);

/** The tokens of one logical line, at least one. */
type Line = readonly ScannedToken[];

export const empty: Rule = (evidence) => {
  // Where nothing was generated at all, there is no body to judge.
  if (evidence.verdict.outcome.status === 'not_run') return null;
  const bodies = [linesOf(evidence.completion), bodyOfEntryPoint(evidence)];
  return bodies.some((body) => body !== null && doesNothing(body)) ? 'the body does nothing' : null;
};

/** The logical lines of a text; null where its tokens end in a fault, or within brackets. */
function linesOf(text: string): Line[] | null {
  const { tokens, fault, open } = scan(text);
  return fault !== null || open.length > 0 ? null : splitAt(tokens, ({ kind }) => kind === 'line_end');
}

/** The pieces between separators, empty ones left out. */
function splitAt(tokens: readonly ScannedToken[], separates: (token: ScannedToken) => boolean): Line[] {
  const pieces: ScannedToken[][] = [[]];
  for (const token of tokens) {
    if (separates(token)) pieces.push([]);
    else pieces.at(-1)!.push(token);
  }
  return pieces.filter((piece) => piece.length > 0);
}

/**
 * The lines within the last `def` of the entry point at the program's margin; null for none, and where the name may stand for more
 * than them: a decorator can give it another body, and so can whatever else the program does with the name, calls aside, be it written in a
 * string or not at all: `globals()`, `exec`, and behind the body `from m import *`.
 */
function bodyOfEntryPoint(evidence: Evidence): Line[] | null {
  const program = programOf(evidence);
  const lines = linesOf(program);
  if (lines === null) return null;
  const isAtMargin = ([first]: Line): boolean => first!.start === 0 || /[\r\n]/.test(program[first!.start - 1]!);
  const isDefinition = (line: Line): boolean => line[0]!.text === 'def' && line[1]?.text === evidence.entryPoint && isAtMargin(line);
  const at = lines.findLastIndex(isDefinition);
  if (at < 0 || lines[at - 1]?.[0]!.text === '@') return null;
  const behind = lines.findIndex((line, index) => index > at && isAtMargin(line));
  const end = behind < 0 ? lines.length : behind;
  const others = lines.filter((line, index) => (index < at || index >= end) && !isDefinition(line));
  if (others.some((line) => usesBeyondCalls(line, evidence.entryPoint) || mayBindUnseen(line, evidence.entryPoint))) return null;
  if (lines.slice(end).some(importsAll)) return null;
  const header = lines[at]!;
  const colon = indexAtDepth(header, ':');
  return colon < 0 ? null : [header.slice(colon + 1), ...lines.slice(at + 1, end)].filter((line) => line.length > 0);
}

function usesBeyondCalls(line: Line, name: string): boolean {
  return line.some(({ text }, index) => {
    if (text !== name) return false;
    return line[index + 1]?.text !== '(' || ['def', 'class'].includes(line[index - 1]?.text ?? '');
  });
}

/** A line of plain strings alone, such as a docstring, binds nothing, whatever it says. */
function mayBindUnseen(line: Line, name: string): boolean {
  if (line.every(isPlainString)) return false;
  return line.some(({ kind, text }) => (kind === 'string' ? holdsWord(text, name) : BINDS_UNSEEN.has(text)));
}

/** Whether a string's text holds a word; its prefix is none. */
function holdsWord(text: string, word: string): boolean {
  return (
    text
      .replace(/^[a-z]+/i, '')
      .match(/[\p{ID_Start}_]\p{ID_Continue}*/gu)
      ?.includes(word) === true
  );
}

function importsAll(line: Line): boolean {
  return line.some(({ text }, index) => text === 'import' && line[index + 1]?.text === '*');
}

/** Where a mark stands outside all brackets, a closing one counted as outside; -1 for nowhere. */
function indexAtDepth(line: Line, mark: string): number {
  let depth = 0;
  return line.findIndex(({ kind, text }) => {
    if (kind !== 'mark') return false;
    if ('([{'.includes(text)) depth++;
    else if (')]}'.includes(text)) depth--;
    return depth === 0 && text === mark;
  });
}

function doesNothing(body: readonly Line[]): boolean {
  const statements = body.flatMap((line) => splitAt(line, ({ text }) => text === ';'));
  // Only a docstring that starts the body: one further down is a statement of the sample.
  const [first, ...rest] = statements;
  return (first !== undefined && first.every(isPlainString) ? rest : statements).every(isNothing);
}

/** Such as may be a docstring, or a piece of one: bytes are none, and one with fields computes them. */
function isPlainString({ kind, text }: ScannedToken): boolean {
  return kind === 'string' && /^[rRuU]?["']/.test(text);
}

function isNothing(statement: Line): boolean {
  const [first, second, third] = statement.map(({ text }) => text);
  if (statement.length === 1) return ['pass', '...', 'return'].includes(first!);
  if (first !== 'raise' || second !== 'NotImplementedError') return false;
  return statement.length === 2 || (third === '(' && indexAtDepth(statement, ')') === statement.length - 1);
}
