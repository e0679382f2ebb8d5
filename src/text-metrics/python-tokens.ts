/**
 * Python's tokens of any text, also of one that Python refuses. The cut is `src/python-scan.ts`'s, which stops at the first thing
 * that is no token; here that becomes a token of kind `fault` and the scan goes on behind it, with all brackets forgotten.
 */
import { scan, type ScanFault, type ScannedToken } from '../python-scan.js';

export interface PythonToken extends Omit<ScannedToken, 'kind'> {
  readonly kind: ScannedToken['kind'] | 'fault';
}

const REST_OF_LINE = /[^\r\n]*/y;
const REST_OF_WORD = /[\p{ID_Continue}.]+/uy;
const ONE_CHARACTER = /[^]/uy;

/**
 * All tokens of a text, in order; without comments and blanks, and without ends of lines inside brackets. Never throws.
 * Time is linear in the text's length.
 */
export function pythonTokens(text: string): PythonToken[] {
  const tokens: PythonToken[] = [];
  for (let from = 0; from < text.length;) {
    const { tokens: some, fault } = scan(from === 0 ? text : text.slice(from));
    for (const { kind, start, end, text: spelled } of some) tokens.push({ kind, start: from + start, end: from + end, text: spelled });
    if (fault === null) break;
    const start = from + fault.at;
    const end = endOfFault(text, start, fault.kind);
    tokens.push({ kind: 'fault', start, end, text: text.slice(start, end) });
    from = end;
  }
  return tokens;
}

/** Where the scan goes on: behind an open string's line, behind a number's run, behind one character otherwise. */
function endOfFault(text: string, start: number, kind: ScanFault['kind']): number {
  const rest = kind === 'unterminated' ? REST_OF_LINE : kind === 'number' ? REST_OF_WORD : ONE_CHARACTER;
  rest.lastIndex = start;
  rest.test(text);
  return Math.max(rest.lastIndex, start + 1);
}
