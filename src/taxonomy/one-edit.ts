/**
 * One small edit that may make a failing program pass: an import added, a `return` added, its indentation made even. Only the edit, as text, for the
 * failures that it can matter to; whether the edited program passes is for whoever executes it to say (`pipeline/one-edit.ts`). Pure, and no parser: an
 * edit that makes no sense does not pass.
 */
import { isKeyword, scan, type ScannedToken } from '../python-scan.js';
import type { OneEdit } from '../sandbox/verdict.js';
import { isA } from './rules/rule.js';
import type { Evidence } from './types.js';
import { importOf } from './well-known-names.js';

/** A program with the edit made. */
export interface EditedProgram {
  readonly kind: OneEdit['kind'];
  readonly prompt: string;
  readonly completion: string;
}

type Failed = Pick<Evidence, 'verdict' | 'prompt' | 'completion' | 'entryPoint'>;

/** The edit that what the program failed of calls for; null where none does, and where its text gives no place for it. */
export function editOf(failed: Failed): EditedProgram | null {
  const { outcome, measurements } = failed.verdict;
  if (outcome.status === 'syntax') return isA(outcome.exception, 'IndentationError') ? withEvenIndentation(failed) : null;
  if (outcome.status === 'exception') return isA(outcome.exception, 'NameError') ? withImport(failed, outcome.exception.message) : null;
  return (outcome.status === 'assertion' || outcome.status === 'test_error') && measurements.allNone ? withReturn(failed) : null;
}

/** Before everything, so that it is there while the module loads, too, but for what Python takes at a module's beginning alone: its docstring and `from __future__`. */
function withImport({ prompt, completion }: Failed, message: string): EditedProgram | null {
  const name = /^name '(\w+)' is not defined/.exec(message)?.[1];
  const statement = name === undefined ? null : importOf(name);
  const lines = linesOf(prompt + completion);
  const at = lines.find(({ tokens }, index) => !(index === 0 && isDocstring(tokens)) && !isOfFuture(tokens))?.start;
  if (statement === null || at === undefined) return null;
  const into = (text: string, place: number): string => `${text.slice(0, place)}${statement}\n${text.slice(place)}`;
  return at < prompt.length
    ? { kind: 'import', prompt: into(prompt, at), completion }
    : { kind: 'import', prompt, completion: into(completion, at - prompt.length) };
}

function isDocstring(tokens: readonly ScannedToken[]): boolean {
  return tokens.every(({ kind }) => kind === 'string');
}

function isOfFuture([first, second]: readonly ScannedToken[]): boolean {
  return first!.text === 'from' && second?.text === '__future__';
}

/** A logical line: its tokens, at least one, and how far the first of them stands from the margin, in columns. */
interface Line {
  readonly tokens: readonly ScannedToken[];
  /** Where the physical line of its first token begins, and the blanks before that end. */
  readonly start: number;
  readonly columns: number;
}

/** As people see them; the interpreter counts eight, and refuses what depends on it. */
const COLUMNS_OF_A_TAB = 4;

function linesOf(program: string): Line[] {
  const lines: Line[] = [];
  let tokens: ScannedToken[] = [];
  for (const token of [...scan(program).tokens, null]) {
    if (token !== null && token.kind !== 'line_end') tokens.push(token);
    else if (tokens.length > 0) {
      const start = Math.max(program.lastIndexOf('\n', tokens[0]!.start - 1), program.lastIndexOf('\r', tokens[0]!.start - 1)) + 1;
      let columns = 0;
      for (const blank of program.slice(start, tokens[0]!.start))
        columns = blank === '\t' ? (Math.floor(columns / COLUMNS_OF_A_TAB) + 1) * COLUMNS_OF_A_TAB : columns + 1;
      lines.push({ tokens, start, columns });
      tokens = [];
    }
  }
  return lines;
}

/** Marks that only statements have, but for those within brackets. */
const OF_STATEMENTS = /^(?:=|:|;|(?:\*\*|\/\/|>>|<<|[-+*/%@&|^])=)$/;

/** Before the last statement of the entry point's body, where that is an expression which the completion has. */
function withReturn({ prompt, completion, entryPoint }: Failed): EditedProgram | null {
  const lines = linesOf(prompt + completion);
  const header = lines.findLastIndex(({ tokens, columns }) => columns === 0 && tokens[0]!.text === 'def' && tokens[1]?.text === entryPoint);
  const behind = lines.findIndex(({ columns }, index) => index > header && columns === 0);
  const body = header < 0 ? [] : lines.slice(header + 1, behind < 0 ? undefined : behind);
  const last = body.at(-1);
  const begins = last?.tokens[0]!.start ?? 0;
  // One that is deeper stands in a statement that is no expression. What is printed is told, and None is returned.
  if (last === undefined || last.columns !== body[0]!.columns || begins < prompt.length || last.tokens[0]!.text === 'print') return null;
  if (isKeyword(last.tokens[0]!) && last.tokens[0]!.text !== 'not') return null;
  if (outsideBrackets(last.tokens).some(({ kind, text }) => kind === 'mark' && OF_STATEMENTS.test(text))) return null;
  const at = begins - prompt.length;
  return { kind: 'return', prompt, completion: `${completion.slice(0, at)}return ${completion.slice(at)}` };
}

function outsideBrackets(tokens: readonly ScannedToken[]): readonly ScannedToken[] {
  let depth = 0;
  return tokens.filter(({ text }) => {
    if ('([{'.includes(text)) depth++;
    else if (')]}'.includes(text)) depth--;
    return depth === 0;
  });
}

/** Each block of the completion four columns deeper than what opens it; a line that fits no block goes to the nearest around it. */
function withEvenIndentation({ prompt, completion }: Failed): EditedProgram | null {
  const blocks = [{ columns: 0, even: 0 }];
  let opens = false;
  let edited = '';
  let taken = prompt.length;
  for (const { tokens, start, columns } of linesOf(prompt + completion)) {
    const isOwn = start >= prompt.length;
    const top = blocks.at(-1)!;
    if (opens) blocks.push({ columns: Math.max(columns, top.columns), even: isOwn ? top.even + 4 : columns });
    else {
      while (blocks.length > 1 && isNearerTo(blocks.at(-2)!.columns, blocks.at(-1)!.columns, columns)) blocks.pop();
    }
    opens = tokens.at(-1)!.text === ':';
    if (!isOwn) continue;
    edited += (prompt + completion).slice(taken, start) + ' '.repeat(blocks.at(-1)!.even);
    taken = tokens[0]!.start;
  }
  edited += (prompt + completion).slice(taken);
  return edited === completion ? null : { kind: 'indentation', prompt, completion: edited };
}

/** Whether what stands at `columns` is nearer to the outer of two blocks; within the inner one, and between both of them alike, it is not. */
function isNearerTo(outer: number, inner: number, columns: number): boolean {
  return columns < inner && columns - outer < inner - columns;
}
