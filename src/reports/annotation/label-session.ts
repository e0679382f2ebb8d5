/**
 * Somebody labelling the rows of a sheet, as a machine of states: a line that was typed in, what it does and says out. Reads and writes
 * nothing itself, so that a pipe, a terminal and a test all drive it alike.
 */
import { shorten, visibleLine } from '../render/visible.js';
import type { Category } from '../../taxonomy/types.js';
import { leafOf, searchLeaves } from './labels.js';

/** A row while it is labelled. */
export interface OpenRow {
  readonly id: string;
  leaf: Category | null;
  note: string;
}

export interface Reply {
  /** What to tell, without a newline at the end; empty where the next row says it all. */
  readonly text: string;
  /** A label or note is another one: save. */
  readonly changed: boolean;
  /** Another row is to be shown, or this one again. */
  readonly shows: boolean;
  readonly ended: boolean;
}

const MOST_FOUND = 12;

export const HELP = `a name or code  labels the row, such as crash.name_error or 4.1
other words     looks for leaves with them in name or definition
l               all leaves
n TEXT          a note about the row; n alone removes it
s               skips the row: it stays without a label until you come back
b               back to the row before
g ID            goes to a row, such as g F007
c               takes the row's label away
q               quits; everything is saved, and the same command goes on`;

export class LabelSession {
  readonly rows: readonly OpenRow[];
  readonly #leaves: readonly Category[];
  readonly #skipped = new Set<string>();
  #at: number;
  /** The only leaf that a search found, until the next line. */
  #offered: Category | null = null;

  /** Begins at the first row without a label, or at the first one where all have one. Changes the rows it is given. */
  constructor(rows: readonly OpenRow[], leaves: readonly Category[]) {
    if (rows.length === 0) throw new RangeError('no rows to label');
    this.rows = rows;
    this.#leaves = leaves;
    this.#at = Math.max(
      0,
      rows.findIndex(({ leaf }) => leaf === null),
    );
  }

  get at(): number {
    return this.#at;
  }

  get current(): OpenRow {
    return this.rows[this.#at]!;
  }

  get labelled(): number {
    return this.rows.filter(({ leaf }) => leaf !== null).length;
  }

  /** Does what a line says. */
  input(line: string): Reply {
    const text = line.trim();
    const offered = this.#offered;
    this.#offered = null;
    const [word = '', rest = ''] = /^(\S*)\s*(.*)$/.exec(text)!.slice(1);
    if (rest === '' || word === 'n' || word === 'g') {
      switch (word) {
        case '':
          return stay('? for help');
        case '?':
          return stay(HELP);
        case 'q':
          return { text: '', changed: false, shows: false, ended: true };
        case 'l':
          return stay(this.#leaves.map(leafLine).join('\n'));
        case 'y':
          return offered === null ? stay('there is nothing to take: y takes the only leaf that a search found') : this.#label(offered);
        case 'n':
          this.current.note = rest;
          return { text: rest === '' ? 'no note' : 'noted', changed: true, shows: false, ended: false };
        case 'c':
          this.current.leaf = null;
          return { text: 'no label', changed: true, shows: false, ended: false };
        case 's':
          this.#skipped.add(this.current.id);
          return this.#next(false);
        case 'b':
          if (this.#at === 0) return stay('this is the first row');
          return this.#go(this.#at - 1);
        case 'g': {
          const there = this.rows.findIndex(({ id }) => id.toLowerCase() === rest.toLowerCase());
          const [first, last] = [this.rows[0]!, this.rows.at(-1)!];
          return there < 0 ? stay(`there is no row ${shown(rest)}: they are ${first.id} to ${last.id}`) : this.#go(there);
        }
      }
    }
    const leaf = leafOf(text, this.#leaves);
    return leaf === null ? this.#search(text) : this.#label(leaf);
  }

  #search(text: string): Reply {
    if (text.length < 2) return stay(`${shown(text)} is no command: ? for help`);
    const found = searchLeaves(text, this.#leaves);
    if (found.length === 0) return stay(`no leaf has ${shown(text)} in its code, name or definition: l lists all`);
    if (found.length === 1) {
      this.#offered = found[0]!;
      return stay(`${leafLine(found[0]!)}\ny takes it`);
    }
    const rest = found.length > MOST_FOUND ? [`and ${found.length - MOST_FOUND} more`] : [];
    return stay([...found.slice(0, MOST_FOUND).map(leafLine), ...rest].join('\n'));
  }

  #label(leaf: Category): Reply {
    this.current.leaf = leaf;
    return this.#next(true);
  }

  /** To the next row without a label that was not skipped, from the end on from the beginning. */
  #next(changed: boolean): Reply {
    for (let step = 1; step <= this.rows.length; step++) {
      const there = (this.#at + step) % this.rows.length;
      const row = this.rows[there]!;
      if (row.leaf !== null || this.#skipped.has(row.id)) continue;
      return { ...this.#go(there), changed };
    }
    return { text: '', changed, shows: false, ended: true };
  }

  #go(there: number): Reply {
    this.#at = there;
    return { text: '', changed: false, shows: true, ended: false };
  }
}

function stay(text: string): Reply {
  return { text, changed: false, shows: false, ended: false };
}

function leafLine({ code, name, rule, residual }: Category): string {
  return `${code.padEnd(5)} ${name}${residual ? ' *' : ''}: ${rule}`;
}

function shown(text: string): string {
  return JSON.stringify(shorten(visibleLine(text), 40));
}
