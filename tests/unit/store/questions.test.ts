/** Questions of users in SQL of their own: what is wrong with them is the users' to mend, and no view that somebody made stands in the way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { Store } from '../../../src/store/store.js';

let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-questions-'));
  const file = path.join(folder, 'faultline.db');
  Store.open(file).close();
  const direct = new Database(file);
  direct.exec(
    'CREATE VIEW "my ""own"" view" AS SELECT 1 AS one; CREATE VIEW gone AS SELECT * FROM nowhere; CREATE VIEW "select" AS SELECT 2 AS two',
  );
  direct.close();
  store = Store.open(file, { readonly: true });
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

function errorOf(question: string): FaultlineError {
  try {
    store.ask(question, 9);
  } catch (thrown) {
    if (thrown instanceof FaultlineError) return thrown;
    throw thrown;
  }
  throw new Error(`${question} was answered`);
}

describe('Store.ask', () => {
  it.each([
    ['SELECT ?', 'parameter', 'Write the values into the statement'],
    ['SELECT :a', 'parameter', 'Write the values into the statement'],
    ['SELECT abs(-9223372036854775808)', 'integer overflow', 'faultline query'],
    ["SELECT json('{')", 'malformed JSON', 'faultline query'],
    ["SELECT load_extension('x')", 'not authorized', 'faultline query'],
    ['SELECT zeroblob(3000000000)', 'too big', 'faultline query'],
    ['gone', 'nowhere', 'faultline query'],
  ])('says what is wrong with %s', (question, reason, hint) => {
    const error = errorOf(question);
    expect([error.kind, error.message, error.hint]).toEqual(['usage', expect.stringContaining(reason), expect.stringContaining(hint)]);
  });

  it('takes views by any name, and those that cannot be read stand in nobody’s way', () => {
    expect(store.ask('SELECT 3 AS three', 9).rows).toEqual([[3]]);
    expect(store.ask('my "own" view', 9)).toEqual({ columns: ['one'], rows: [[1]], isCut: false });
    expect(store.ask('select', 9).rows).toEqual([[2]]);
    const views = new Map(store.views().map((view) => [view.name, view]));
    expect(views.get('my "own" view')).toEqual({ name: 'my "own" view', columns: ['one'], broken: null });
    expect(views.get('gone')).toEqual({ name: 'gone', columns: [], broken: expect.stringContaining('nowhere') as string });
    expect(views.get('failures')!.columns).toContain('task_id');
  });

  it('gives infinite numbers as text, which JSON keeps', () => {
    const { rows } = store.ask('SELECT 9e999, -9e999, 1.5, 9223372036854775807', 9);
    expect(JSON.parse(JSON.stringify(rows))).toEqual([['Infinity', '-Infinity', 1.5, '9223372036854775807']]);
  });
});
