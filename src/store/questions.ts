/**
 * Questions that users ask in SQL of their own, and by words of error messages. Reads only: a statement that would write is refused
 * before it runs, whatever the connection may do. Knows the views that migrations made, by asking the schema.
 */
import Database from 'better-sqlite3';
import { FaultlineError, reasonOf } from '../errors.js';
import type { Answer, Cell, View } from './types.js';

export class Questions {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** All views, by name, with their columns. Also those that users made in their copy, whatever they are called and read. */
  views(): View[] {
    return this.#viewNames().map((name) => {
      try {
        const columns = this.#database.prepare(`SELECT * FROM ${quoted(name)}`).columns();
        return { name, columns: columns.map((each) => each.name), broken: null };
      } catch (thrown) {
        if (!isOfStatement(thrown)) throw thrown;
        return { name, columns: [], broken: reasonOf(thrown) };
      }
    });
  }

  /** See Store.ask. */
  ask(question: string, most: number): Answer {
    const isView = this.#viewNames().includes(question);
    const statement = ofUser('this is not one SQL statement that can be run here', () =>
      this.#database.prepare<[], Cell[]>(isView ? `SELECT * FROM ${quoted(question)}` : question),
    );
    if (!statement.readonly || !statement.reader) {
      throw new FaultlineError('usage', statement.readonly ? 'this statement returns no rows' : 'only statements that read are run', {
        hint: 'Ask with SELECT. To change a database, use the sqlite3 program on a copy.',
      });
    }
    return ofUser('this statement cannot be answered', () => take(statement.raw(true).safeIntegers(true), [], most));
  }

  /** See Store.search. */
  search(words: string, most: number): Answer {
    const expression = matchOf(words);
    // Ranked and cut first: a common word is in every tenth sample of a study, and joins of all of them would take most of the time.
    const statement = this.#database.prepare<[string, number], Cell[]>(
      `SELECT e.name AS experiment, s.strategy, p.task_id, s.sample_index, k.code AS category_code,
         v.exception_type, v.exception_message, v.exception_line, e.hash AS experiment_hash
       FROM (SELECT rowid AS sample_id, rank AS place FROM error_search WHERE error_search MATCH ? ORDER BY rank, rowid LIMIT ?) f
       JOIN verdicts v ON v.sample_id = f.sample_id
       JOIN samples s ON s.id = f.sample_id
       JOIN problems p ON p.id = s.problem_id
       JOIN experiments e ON e.id = s.experiment_id
       LEFT JOIN classifications c ON c.sample_id = f.sample_id
       LEFT JOIN categories k ON k.id = c.category_id
       ORDER BY f.place, f.sample_id`,
    );
    // One more than is asked for tells whether there are more.
    return take(statement.raw(true).safeIntegers(true), [expression, most + 1], most);
  }

  #viewNames(): string[] {
    return this.#database.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name").pluck().all();
  }
}

/** Runs `work` on a statement of a user's own: what is wrong with the statement is the user's to mend, what is wrong with the file is not. */
function ofUser<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!isOfStatement(thrown)) throw thrown;
    const wantsValues = /parameter/i.test(reasonOf(thrown));
    throw new FaultlineError('usage', `${what}: ${reasonOf(thrown)}`, {
      hint: wantsValues
        ? 'Write the values into the statement: nothing is filled in for `?` and `:name`.'
        : 'See the views and their columns with `faultline query` alone.',
      cause: thrown,
    });
  }
}

/**
 * Whether a statement's own text is to blame. `RangeError` and `TypeError`: none or several statements, or parameters. Of SQLite's codes those
 * of syntax, names and values; the others are of the file and the disk.
 */
function isOfStatement(thrown: unknown): boolean {
  if (thrown instanceof RangeError || thrown instanceof TypeError) return true;
  return thrown instanceof Database.SqliteError && /^SQLITE_(?:ERROR|AUTH|TOOBIG|MISMATCH|RANGE)(?:_|$)/.test(thrown.code);
}

/** A name as SQL reads it back, whatever is in it. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function take(statement: Database.Statement, values: readonly unknown[], most: number): Answer {
  const columns = statement.columns().map(({ name }) => name);
  const rows: Cell[][] = [];
  for (const row of statement.iterate(...values)) {
    if (rows.length === most) return { columns, rows, isCut: true };
    rows.push((row as (Cell | bigint | Uint8Array)[]).map(shown));
  }
  return { columns, rows, isCut: false };
}

/** Numbers as numbers where JSON holds all their digits, else as text, as are the infinite ones; bytes as SQL writes them. */
function shown(cell: Cell | bigint | Uint8Array): Cell {
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : cell.toString();
  if (typeof cell === 'number') return Number.isFinite(cell) ? cell : String(cell);
  return cell instanceof Uint8Array ? `x'${Buffer.from(cell).toString('hex')}'` : cell;
}

/** Words as an expression of FTS5 that wants all of them; one that ends in `*` is a beginning. Everything else is text, not syntax. */
function matchOf(words: string): string {
  const list = words.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (list.length === 0)
    throw new FaultlineError('usage', 'there is no word to search for', { hint: 'Name one, such as `--search "list index"`.' });
  return list.map((word) => `"${word.replace(/\*$/, '').replaceAll('"', '""')}"${word.endsWith('*') ? '*' : ''}`).join(' ');
}
