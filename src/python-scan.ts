/**
 * A program's text as Python's tokeniser would cut it: words, numbers, strings, marks, line ends, brackets. Not a parser,
 * and no judge of what is right: it is asked about any text, also one that CPython has refused, and says what stands where.
 *
 * CPython's versions report different faults of one text: 3.9 the first that its parser meets, 3.10 and later whatever
 * its tokeniser finds further down (PEP 617's second pass). `fault` is the latter, so that all versions can be told alike.
 */

export type TokenKind = 'word' | 'number' | 'string' | 'mark' | 'line_end';

/** UTF-16 indices into the program. */
export interface ScannedToken {
  readonly kind: TokenKind;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * What no Python token can be made of.
 *   unterminated  a string that is open at its line's end, or a triple-quoted one at the program's
 *   mismatched    a bracket closed by one of another kind
 *   unmatched     a closing bracket without an opening one
 *   character     a character outside Python's alphabet
 *   number        a number that runs into a word
 *   continuation  a backslash that does not end its line
 */
export interface ScanFault {
  readonly kind: 'unterminated' | 'mismatched' | 'unmatched' | 'character' | 'number' | 'continuation';
  readonly at: number;
}

export interface Scan {
  /** Up to the fault; without comments and blanks, and without the line ends inside brackets. */
  readonly tokens: readonly ScannedToken[];
  /** The first one. */
  readonly fault: ScanFault | null;
  /** Where the brackets stand that are still open at the fault or at the end, outermost first. */
  readonly open: readonly number[];
}

const BLANKS = /(?:[ \t\f\uFEFF]|\\(?:\r\n|\r|\n)|#[^\r\n]*)+/y;
const LINE_END = /\r\n|\r|\n/y;
const WORD = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;
const NUMBER =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?[jJ]?)/y;
const QUOTE = /(?:"""|'''|"|')/y;
const STRING_PREFIX = /^(?:[rRuUbBfF]|[rR][bBfF]|[bBfF][rR])$/;
const MARK = /\*\*=|\/\/=|>>=|<<=|\.\.\.|[-+*/%@&|^=<>!:]=|->|\*\*|\/\/|<<|>>|<>|[-+*/%@&|^~=<>.,:;()[\]{}]/y;
const CLOSERS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Python's tokeniser hands these to its parser, which has no use for them. */
export const PASSED_ON: ReadonlySet<string> = new Set(['?', '$', '`', '!']);

/** Cuts a program into tokens. Linear; never throws. */
export function scan(program: string): Scan {
  const tokens: ScannedToken[] = [];
  const open: number[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(program)?.[0] ?? null;
  };
  const push = (kind: TokenKind, end: number): void => {
    tokens.push({ kind, start: at, end, text: program.slice(at, end) });
    at = end;
  };
  const stop = (kind: ScanFault['kind']): Scan => ({ tokens, fault: { kind, at }, open });

  while (at < program.length) {
    const blanks = take(BLANKS);
    if (blanks !== null) {
      at += blanks.length;
      continue;
    }
    const lineEnd = take(LINE_END);
    if (lineEnd !== null) {
      if (open.length === 0 && tokens.at(-1)?.kind !== 'line_end') push('line_end', at + lineEnd.length);
      else at += lineEnd.length;
      continue;
    }
    const word = take(WORD);
    const prefixed = word !== null && STRING_PREFIX.test(word) && /["']/.test(program[at + word.length] ?? '');
    if (word !== null && !prefixed) {
      push('word', at + word.length);
      continue;
    }
    const start = at + (prefixed ? word.length : 0);
    QUOTE.lastIndex = start;
    const quote = QUOTE.exec(program)?.[0];
    if (quote !== undefined) {
      const end = endOfString(program, quote, start + quote.length);
      if (end === null) return stop('unterminated');
      push('string', end);
      continue;
    }
    const number = /[\d.]/.test(program[at]!) ? take(NUMBER) : null;
    if (number !== null) {
      const runsOn = /^[\p{ID_Continue}]/u.test(program.slice(at + number.length, at + number.length + 2));
      // `1if x else y` is read as a number and a keyword, with a warning.
      if (runsOn && !/^(?:and|else|for|if|in|is|not|or)\b/.test(program.slice(at + number.length, at + number.length + 5))) {
        return stop('number');
      }
      push('number', at + number.length);
      continue;
    }
    const mark = take(MARK) ?? (PASSED_ON.has(program[at]!) ? program[at]! : null);
    if (mark === null) return stop(program[at] === '\\' ? 'continuation' : 'character');
    if ('([{'.includes(mark)) open.push(at);
    const opener = CLOSERS[mark];
    if (opener !== undefined) {
      const last = open.at(-1);
      if (last === undefined) return stop('unmatched');
      if (program[last] !== opener) return stop('mismatched');
      open.pop();
    }
    push('mark', at + mark.length);
  }
  return { tokens, fault: null, open };
}

/** The index behind the closing quotes of a string whose text begins at `from`; null where it is not closed. */
function endOfString(text: string, quote: string, from: number): number | null {
  for (let at = from; at < text.length; at++) {
    const character = text[at]!;
    if (character === '\\') at += text.startsWith('\r\n', at + 1) ? 2 : 1;
    else if (quote.length === 1 && (character === '\n' || character === '\r')) return null;
    else if (text.startsWith(quote, at)) return at + quote.length;
  }
  return null;
}

/** Python's keywords, those that are values among them. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  `False None True and as assert async await break class continue def del elif else except finally for from global if import
  in is lambda nonlocal not or pass raise return try while with yield`.split(/\s+/),
);
/** Keywords that are values. */
const CONSTANTS: ReadonlySet<string> = new Set(['False', 'None', 'True']);

export function isKeyword(token: { readonly kind: string; readonly text: string }): boolean {
  return token.kind === 'word' && KEYWORDS.has(token.text) && !CONSTANTS.has(token.text);
}

/** Whether a value may end with this token. */
export function endsOperand(token: ScannedToken): boolean {
  return (token.kind !== 'line_end' && token.kind !== 'mark' && !isKeyword(token)) || [')', ']', '}', '...'].includes(token.text);
}

/** Whether a value begins with this token that cannot go on with one: a bracket may be a call or an index, a string another piece. */
export function beginsOperandAfter(token: ScannedToken, before: ScannedToken): boolean {
  if (token.kind === 'string') return before.kind !== 'string';
  return token.kind === 'number' || (token.kind === 'word' && !isKeyword(token)) || ['{', '...', '~'].includes(token.text);
}
