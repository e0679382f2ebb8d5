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

  /** All views, by name, with their columns. */
  views(): View[] {
    const names = this.#database.prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name").all();
    return names.map(({ name }) => ({
      name,
      columns: this.#database
        .prepare(`SELECT * FROM ${name}`)
        .columns()
        .map((each) => each.name),
    }));
  }

  /** See Store.ask. */
  ask(question: string, most: number): Answer {
    const isView = this.views().some(({ name }) => name === question);
    const statement = this.#prepare(isView ? `SELECT * FROM ${question}` : question);
    if (!statement.readonly || !statement.reader) {
      throw new FaultlineError('usage', statement.readonly ? 'this statement returns no rows' : 'only statements that read are run', {
        hint: 'Ask with SELECT. To change a database, use the sqlite3 program on a copy.',
      });
    }
    return take(statement.raw(true).safeIntegers(true), [], most);
  }

  /** See Store.search. */
  search(words: string, most: number): Answer {
    const expression = matchOf(words);
    const statement = this.#database.prepare<[string], Cell[]>(
      `SELECT e.name AS experiment, s.strategy, p.task_id, s.sample_index, k.code AS category_code,
         v.exception_type, v.exception_message, v.exception_line, e.hash AS experiment_hash
       FROM error_search f
       JOIN verdicts v ON v.sample_id = f.rowid
       JOIN samples s ON s.id = f.rowid
       JOIN problems p ON p.id = s.problem_id
       JOIN experiments e ON e.id = s.experiment_id
       LEFT JOIN classifications c ON c.sample_id = f.rowid
       LEFT JOIN categories k ON k.id = c.category_id
       WHERE error_search MATCH ? ORDER BY f.rank, f.rowid`,
    );
    return take(statement.raw(true).safeIntegers(true), [expression], most);
  }

  #prepare(sql: string): Database.Statement<[], Cell[]> {
    try {
      return this.#database.prepare<[], Cell[]>(sql);
    } catch (thrown) {
      // `RangeError`: none, or several statements. `SQLITE_ERROR`: syntax, or a name that there is not.
      if (thrown instanceof RangeError || (thrown instanceof Database.SqliteError && thrown.code === 'SQLITE_ERROR')) {
        throw new FaultlineError('usage', `this is not one SQL statement that can be run here: ${reasonOf(thrown)}`, {
          hint: 'See the views and their columns with `faultline query` alone.',
          cause: thrown,
        });
      }
      throw thrown;
    }
  }
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

/** Whole numbers as numbers where these hold all their digits; bytes as SQL writes them. */
function shown(cell: Cell | bigint | Uint8Array): Cell {
  if (typeof cell === 'bigint') return Number.isSafeInteger(Number(cell)) ? Number(cell) : cell.toString();
  return cell instanceof Uint8Array ? `x'${Buffer.from(cell).toString('hex')}'` : cell;
}

/** Words as an expression of FTS5 that wants all of them; one that ends in `*` is a beginning. Everything else is text, not syntax. */
function matchOf(words: string): string {
  const list = words.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  if (list.length === 0)
    throw new FaultlineError('usage', 'there is no word to search for', { hint: 'Name one, such as `--search "list index"`.' });
  return list.map((word) => `"${word.replace(/\*$/, '').replaceAll('"', '""')}"${word.endsWith('*') ? '*' : ''}`).join(' ');
}
