/**
 * Where a syntax error stands in the text of the program, and what stands there. Decides no leaf.
 *
 * CPython 3.10 and later let what the tokeniser finds further down, and brackets that are never closed, replace what
 * the parser had to say; 3.9 does not. Rules ask for both here, so that the same text has the same leaf everywhere.
 */
import type { ExceptionInfo } from '../../sandbox/verdict.js';
import { linesOf, programOf } from '../program-text.js';
import { beginsOperandAfter, endsOperand, scan, type ScanFault, type ScannedToken } from '../../python-scan.js';
import type { Evidence } from '../types.js';
import { isA } from './rule.js';

const FORGOT_COMMA = /^(?:f-string: )?invalid syntax\. Perhaps you forgot a comma\?$/;
const PLAIN = /^(?:f-string: )?invalid syntax$|^expected ':'$|^'in' expected after for-loop variables$/;
/** Of the tokeniser's own passes before any other, or not replaced by later faults. */
const FINAL = /^unexpected indent|^unindent does not match|^inconsistent use of tabs|null bytes/;

/** CPython's message where it knows no more than the place; everything else names something. */
export function isPlainInvalidSyntax(exception: ExceptionInfo): boolean {
  return PLAIN.test(exception.message) || FORGOT_COMMA.test(exception.message);
}

/** What stands at the error. */
export interface Site {
  /** The token that the parser could not use; null at the end of the program. */
  readonly token: ScannedToken | null;
  /** The first two values side by side, from the statement's beginning to the error; null for none. */
  readonly adjacent: readonly [ScannedToken, ScannedToken] | null;
  /** Where the innermost bracket stands that is open here, or opens here, and is never closed; null for none. */
  readonly unclosed: number | null;
  /** Whether that bracket was opened on an earlier line. */
  readonly unclosedEarlier: boolean;
}

/** Null where CPython gave no position. */
export function siteOf(evidence: Evidence, exception: ExceptionInfo): Site | null {
  const program = programOf(evidence);
  const line = linesOf(program)[(exception.line ?? 0) - 1];
  if (line === undefined || exception.column === null || exception.column === 0) return null;
  const { tokens, open } = scan(program);
  // Columns count code points, JavaScript's indices UTF-16 units.
  const offset = Array.from(program.slice(line.start, line.end))
    .slice(0, exception.column - 1)
    .join('').length;
  const found = tokens.findIndex(({ end }) => end > line.start + offset);
  const index = found < 0 ? tokens.length : found;
  // CPython's guess at a comma points to the first of two operands; and 3.9 at times reads on before it gives up.
  const first = tokens.findLastIndex(({ kind }, before) => kind === 'line_end' && before < index) + 1;
  const last = FORGOT_COMMA.test(exception.message) ? tokens.length - 1 : index;
  const pair = tokens.findIndex((token, i) => i > first && i <= last && areAdjacentOperands(tokens[i - 1]!, token));
  // A block in braces is a header that is malformed, and no value behind another.
  const second = pair >= 0 && isBlockBrace(program, tokens[first]!, tokens[pair]!) ? -1 : pair;
  const token = tokens[pair >= 0 ? pair : index] ?? null;
  const at = token?.start ?? program.length;
  const unclosed = open.findLast((bracket) => bracket <= at) ?? null;
  return {
    token,
    adjacent: second < 0 ? null : [tokens[second - 1]!, tokens[second]!],
    unclosed,
    unclosedEarlier: unclosed !== null && /[\r\n]/.test(program.slice(unclosed, at)),
  };
}

function areAdjacentOperands(before: ScannedToken, token: ScannedToken): boolean {
  return endsOperand(before) && beginsOperandAfter(token, before);
}

/** What begins a statement with a block, where a value may stand before its colon. */
const HEADERS: ReadonlySet<string> = new Set(['async', 'class', 'def', 'elif', 'except', 'for', 'if', 'while', 'with']);
/** Those of them whose head is no expression that braces could go on with. */
const DEFINITIONS: ReadonlySet<string> = new Set(['class', 'def']);

/** Whether a brace that stands behind a value opens a block, as other languages write it: the line ends there, or it follows a definition's head. */
function isBlockBrace(program: string, first: ScannedToken, token: ScannedToken): boolean {
  if (token.text !== '{' || !HEADERS.has(first.text)) return false;
  return DEFINITIONS.has(first.text) || /^[ \t]*(?:#[^\r\n]*)?(?:[\r\n]|$)/.test(program.slice(token.end));
}

/** What the tokeniser would find, whether it came to say so or not; null for nothing, or where the error is final. */
export function faultOf(evidence: Evidence, exception: ExceptionInfo): ScanFault | null {
  return isA(exception, 'SyntaxError') && !FINAL.test(exception.message) ? scan(programOf(evidence)).fault : null;
}

/** Whether a bracket is still open where the tokeniser's work ends. */
export function hasOpenBracket(evidence: Evidence): boolean {
  return scan(programOf(evidence)).open.length > 0;
}

/** The program's text from the error to the end of its line, empty where the error is that end; null where the position is not known. */
export function textAtError(evidence: Evidence, exception: ExceptionInfo): string | null {
  if (exception.line === null || exception.column === null) return null;
  const program = programOf(evidence);
  const line = linesOf(program)[exception.line - 1];
  if (line === undefined) return null;
  return Array.from(program.slice(line.start, line.end))
    .slice(Math.max(0, exception.column - 1))
    .join('')
    .trimEnd();
}

/** 1-based number of the last line that holds more than blanks; 0 for an empty program. */
export function lastWrittenLine(evidence: Evidence): number {
  const program = programOf(evidence);
  return linesOf(program).findLastIndex(({ start, end }) => program.slice(start, end).trim() !== '') + 1;
}
