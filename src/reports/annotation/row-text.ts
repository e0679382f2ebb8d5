/** A row of the blind sheet for a terminal: the program with its failing line, what the sandbox saw, the test. Texts of programs come out harmless. */
import type picocolors from 'picocolors';
import { MOST_CHARACTERS, programText } from '../render/program-text.js';
import { shorten, visibleLine } from '../render/visible.js';
import type { FACTS } from './facts.js';
import type { OpenRow } from './label-session.js';

export interface RowText {
  readonly row: OpenRow;
  /** Of the sheet; a fact that is not known is empty. */
  readonly cells: Readonly<Record<keyof typeof FACTS, string>>;
  /** Such as `12 of 300, 11 labelled`. */
  readonly progress: string;
}

/** Several lines, without a newline at the end. */
export function rowText({ row, cells, progress }: RowText, colours: ReturnType<typeof picocolors.createColors>): string {
  const line = (text: string): string => shorten(visibleLine(text), MOST_CHARACTERS);
  const typed = (value: string, type: string): string | null => (value === '' ? null : `${value}${type === '' ? '' : ` (${type})`}`);
  const held = (some: string, all: string): string | null => (all === '' ? null : `${some} of ${all} hold`);
  const trials = held(cells.assertions_held, cells.assertions);
  const number = Number(cells.failing_line);
  const column = Number(cells.failing_column);
  const facts: readonly (readonly [name: string, text: string | null])[] = [
    ['failure', `${cells.failure} (${cells.status}, phase ${cells.phase})`],
    [
      'at',
      cells.failing_line === ''
        ? null
        : `line ${cells.failing_line}${cells.failing_column === '' ? '' : `, column ${cells.failing_column}`}`,
    ],
    ['assertion', cells.failing_assertion === '' ? null : cells.failing_assertion],
    ['returned', typed(cells.returned, cells.returned_type)],
    ['expected', typed(cells.expected, cells.expected_type)],
    [
      'assertions',
      trials === null ? null : `${trials}${cells.assertions_failed === '' ? '' : `; not those numbered ${cells.assertions_failed}`}`,
    ],
    ['examples', held(cells.examples_held, cells.examples)],
    ['printed', cells.printed === '' ? null : cells.printed],
    ['ended by', cells.generation_ended_by === '' ? null : cells.generation_ended_by],
  ];
  return [
    `${colours.bold(line(`${row.id}, ${cells.task_id}`))} (${progress})`,
    '',
    ...programText(cells, number > 0 ? { line: number, column: column > 0 ? column : null } : null, colours),
    '',
    ...facts.flatMap(([name, text]) => (text === null ? [] : [`${colours.dim(name.padEnd(12))}${line(text)}`])),
    colours.dim('test'),
    ...cells.test.split(/\r\n|\r|\n/).map((text) => `  ${line(text)}`.trimEnd()),
    '',
    ...(row.leaf === null ? [] : [`${colours.dim('label'.padEnd(12))}${row.leaf.name}`]),
    ...(row.note === '' ? [] : [`${colours.dim('note'.padEnd(12))}${line(row.note)}`]),
  ].join('\n');
}
