/**
 * Enough of Python's surface to take a module apart: which top-level statements it has, where a function's header ends,
 * which names a piece of text mentions. Not a parser: it trusts that the source is valid, as reference code is, and it
 * never sees generated code (that is parsed inside the sandbox only).
 */

export type StatementKind = 'import' | 'function' | 'class' | 'other';

/** A top-level statement with its decorators. Offsets count UTF-16 units; `end` includes the line's end. */
export interface Statement {
  readonly kind: StatementKind;
  /** Names it binds at module level, as far as they can be read off its text. */
  readonly names: readonly string[];
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A function taken apart. */
export interface FunctionParts {
  /** Decorators and the header up to and including its colon, as in the source. */
  readonly header: string;
  /** The body, indented anew; ends in a newline. */
  readonly body: string;
}

const IDENTIFIER = '[\\p{ID_Start}_][\\p{ID_Continue}]*';
/** What stands for the characters of a string literal after `blank`: no identifier, bracket, colon or space. */
const LITERAL = '"';

/** Line ends as Python reads them: `\r\n` and lone `\r` are newlines. Ends in exactly one, unless empty. */
export function normalizeNewlines(source: string): string {
  const lines = source.replace(/\r\n?/g, '\n').replace(/\s+$/, '');
  return lines === '' ? '' : `${lines}\n`;
}

/** Whether a text is a name that Python accepts for a function. */
export function isIdentifier(text: string): boolean {
  return new RegExp(`^${IDENTIFIER}$`, 'u').test(text);
}

/**
 * The source with the characters of string literals, comments and continued line ends replaced, everything else at its
 * place. After that a newline ends a line of code or stands inside brackets, and a bracket is a bracket.
 */
export function blank(source: string): string {
  const out = source.split('');
  const fill = (from: number, to: number, character: string) => {
    for (let i = from; i < to; i++) out[i] = character;
  };
  let i = 0;
  while (i < source.length) {
    const character = source[i]!;
    if (character === '#') {
      const end = source.indexOf('\n', i);
      fill(i, end < 0 ? source.length : end, ' ');
      i = end < 0 ? source.length : end;
    } else if (character === '\\' && source[i + 1] === '\n') {
      fill(i, i + 2, ' ');
      i += 2;
    } else if (character === '"' || character === "'") {
      const end = endOfString(source, i);
      // The prefix belongs to the literal: r, b, u, f and their pairs, when no identifier ends in them.
      const prefix = /(?<![\p{ID_Continue}])[rRbBuUfF]{1,2}$/u.exec(source.slice(Math.max(0, i - 3), i));
      fill(i - (prefix?.[0].length ?? 0), end, LITERAL);
      i = end;
    } else {
      i++;
    }
  }
  return out.join('');
}

/** The module's top-level statements in order. `source` as `normalizeNewlines` leaves it. */
export function topLevelStatements(source: string): Statement[] {
  const blanked = blank(source);
  const starts: number[] = [];
  let depth = 0;
  let lineStart = true;
  let decorated = false;
  for (let i = 0; i < blanked.length; i++) {
    const character = blanked[i]!;
    if (lineStart && depth === 0 && !/\s/.test(character)) {
      const word = new RegExp(`^(?:@|${IDENTIFIER})`, 'u').exec(blanked.slice(i, i + 80))?.[0] ?? '';
      const continues = decorated || ['elif', 'else', 'except', 'finally'].includes(word);
      if (!continues || starts.length === 0) starts.push(i);
      decorated = word === '@';
    }
    lineStart = character === '\n';
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
  }
  return starts.map((start, index) => {
    const end = starts[index + 1] ?? source.length;
    return { ...describe(blanked.slice(start, end)), start, end, text: source.slice(start, end) };
  });
}

/** Every identifier that a text mentions outside strings and comments, attributes and keywords included. */
export function namesIn(text: string): Set<string> {
  return new Set(blank(text).match(new RegExp(IDENTIFIER, 'gu')) ?? []);
}

/** The names that a text calls, in order of appearance; methods (`x.f()`) are not among them. */
export function calledNames(text: string): string[] {
  return [...blank(text).matchAll(new RegExp(`(?<![\\p{ID_Continue}.])(${IDENTIFIER})\\s*\\(`, 'gu'))].map((match) => match[1]!);
}

/** Splits a function statement into header and body; the body gets `indent` for each level. */
export function splitFunction(statement: Statement, indent: string): FunctionParts {
  const blanked = blank(statement.text);
  const colon = headerColon(blanked);
  const header = statement.text.slice(0, colon + 1);
  const lineEnd = blanked.indexOf('\n', colon);
  const sameLine = blanked.slice(colon + 1, lineEnd);
  if (sameLine.trim() !== '') {
    // `def f(x): return x`: everything up to the statement's end is one line of simple statements.
    return { header, body: `${indent}${statement.text.slice(colon + 1).trim()}\n` };
  }
  return { header, body: reindent(statement.text.slice(lineEnd + 1), blanked.slice(lineEnd + 1), indent) };
}

/** The offset after the literal whose quote stands at `start`. */
function endOfString(source: string, start: number): number {
  const quote = source[start]!;
  const triple = source.startsWith(quote.repeat(3), start);
  const closer = triple ? quote.repeat(3) : quote;
  for (let i = start + closer.length; i < source.length; i++) {
    // A backslash protects the next character in raw strings too: it only stays in the value there.
    if (source[i] === '\\') i++;
    else if (source.startsWith(closer, i)) return i + closer.length;
    else if (source[i] === '\n' && !triple) return i;
  }
  return source.length;
}

function describe(blanked: string): { kind: StatementKind; names: string[] } {
  const definition = new RegExp(`^(?:async\\s+)?(def|class)\\s+(${IDENTIFIER})`, blanked.startsWith('@') ? 'mu' : 'u').exec(blanked);
  if (definition !== null) return { kind: definition[1] === 'def' ? 'function' : 'class', names: [definition[2]!] };
  if (/^(?:import|from)\b/.test(blanked)) return { kind: 'import', names: importedNames(blanked) };
  const targets = [
    ...blanked.matchAll(new RegExp(`(${IDENTIFIER}(?:\\s*,\\s*\\(?\\s*${IDENTIFIER})*)\\s*\\)?\\s*(?::[^=\\n]*)?=(?!=)`, 'gu')),
  ];
  return { kind: 'other', names: targets.flatMap((target) => [...namesIn(target[1]!)]) };
}

/** `import a.b, c as d` binds a and d; `from m import x as y` binds y. */
function importedNames(blanked: string): string[] {
  const list = blanked.replace(/^\s*from\b[\s\S]*?\bimport\b/, '').replace(/^\s*import\b/, '');
  return list
    .replace(/[()\n;]/g, ' ')
    .split(',')
    .flatMap((entry) => {
      const names: readonly string[] = entry.match(new RegExp(IDENTIFIER, 'gu')) ?? [];
      const as = names.indexOf('as');
      const bound = as >= 0 ? names[as + 1] : names[0];
      return bound === undefined ? [] : [bound];
    });
}

/** The colon that ends the header of the first `def`: the first one outside brackets after it. */
function headerColon(blanked: string): number {
  let depth = 0;
  for (let i = /^[ \t]*(?:async\s+)?def\b/m.exec(blanked)?.index ?? 0; i < blanked.length; i++) {
    const character = blanked[i]!;
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character)) depth--;
    else if (character === ':' && depth === 0) return i;
  }
  throw new RangeError('not a function statement'); // a caller's fault: `kind` was not looked at
}

/**
 * Indents a block anew: `indent` for each level, as Python counts levels (a tab goes to the next multiple of 8), so that
 * tabs, odd widths and mixtures of both come out alike. Lines that continue a bracket or a string are left alone.
 */
function reindent(body: string, blanked: string, indent: string): string {
  const levels: number[] = [];
  const out: string[] = [];
  let depth = 0;
  let offset = 0;
  for (const line of body.split('\n')) {
    const code = blanked.slice(offset, offset + line.length);
    // In `blanked` a line end is a newline only where it ends a line of code: not inside a string, not after a backslash.
    const continues = depth > 0 || (offset > 0 && blanked[offset - 1] !== '\n');
    offset += line.length + 1;
    for (const character of code) {
      if ('([{'.includes(character)) depth++;
      else if (')]}'.includes(character)) depth--;
    }
    if (continues) {
      out.push(line);
      continue;
    }
    if (line.trim() === '') {
      out.push('');
      continue;
    }
    if (code.trim() !== '') {
      const column = columnOf(line);
      while (levels.length > 0 && levels.at(-1)! > column) levels.pop();
      if (levels.at(-1) !== column) levels.push(column);
    }
    out.push(indent.repeat(Math.max(1, levels.length)) + line.trimStart()); // a comment goes with the line before it
  }
  return `${out.join('\n').trimEnd()}\n`;
}

function columnOf(line: string): number {
  let column = 0;
  for (const character of line) {
    if (character === ' ') column++;
    else if (character === '\t') column += 8 - (column % 8);
    else if (character === '\f') column = 0;
    else break;
  }
  return column;
}
