/** The schema's steps: complete, applied once each, and whole or not at all. */
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadMigrations, migrate, type Migration } from '../../../src/store/migrations.js';

const ID = 0x464c544c;
let database: Database.Database;

beforeEach(() => {
  database = new Database(':memory:');
});

afterEach(() => {
  database.close();
});

const version = (): unknown => database.pragma('user_version', { simple: true });
const tables = (): unknown[] => database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all();

describe('steps', () => {
  const first: Migration = { version: 1, name: '001_a.sql', sql: 'CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);' };
  const second: Migration = { version: 2, name: '002_b.sql', sql: 'ALTER TABLE a ADD COLUMN y TEXT; CREATE TABLE b (x INTEGER) STRICT;' };

  it('are applied once each, from where the database stands', () => {
    migrate(database, ID, [first]);
    expect([version(), tables()]).toEqual([1, ['a']]);
    migrate(database, ID, [first, second]);
    expect([version(), tables()]).toEqual([2, ['a', 'b']]);
    migrate(database, ID, [first, second]);
    expect(database.prepare('SELECT count(*) FROM a').pluck().get()).toBe(1);
    expect(database.pragma('application_id', { simple: true })).toBe(ID);
  });

  it('that fail in the middle leave the version before', () => {
    const broken = { ...second, sql: `${second.sql} CREATE TABLE broken (` };
    expect(() => {
      migrate(database, ID, [first, broken]);
    }).toThrow();
    expect([version(), tables()]).toEqual([1, ['a']]);
    migrate(database, ID, [first, second]);
    expect([version(), tables()]).toEqual([2, ['a', 'b']]);
  });
});

describe('the schema', () => {
  beforeEach(() => {
    migrate(database, ID, loadMigrations());
  });

  it('has numbered steps, first one first', () => {
    expect(loadMigrations().map(({ version: each }) => each)).toEqual(loadMigrations().map((_, i) => i + 1));
    expect(version()).toBe(loadMigrations().length);
  });

  it('has strict tables only', () => {
    const rows = database.pragma('table_list') as { schema: string; name: string; type: string; strict: number }[];
    const ours = rows.filter(({ schema, name, type }) => schema === 'main' && type === 'table' && !name.startsWith('sqlite_'));
    expect(ours.length).toBeGreaterThan(8);
    expect(ours.filter(({ strict }) => strict !== 1)).toEqual([]);
  });

  it('has an index for the child side of every foreign key that is deleted through', () => {
    const rows = database.pragma('table_list') as { schema: string; name: string; type: string }[];
    const missing: string[] = [];
    for (const { name } of rows.filter(({ schema, type }) => schema === 'main' && type === 'table')) {
      for (const key of database.pragma(`foreign_key_list(${name})`) as { table: string; from: string; seq: number; on_delete: string }[]) {
        if (key.seq !== 0 || key.on_delete !== 'CASCADE') continue;
        const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT 1 FROM ${name} WHERE ${key.from} = 1`).all() as { detail: string }[];
        if (plan.some(({ detail }) => detail.startsWith('SCAN'))) missing.push(`${name}.${key.from}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('takes a database of the first version along, with everything in it', () => {
    const old = new Database(':memory:');
    try {
      migrate(old, ID, loadMigrations().slice(0, 1));
      old.exec(`INSERT INTO experiments (hash, name, config, seed, model_hash, tokenizer_hash, problems_hash, dtype, kernel_family, isa, cpu,
          python_version, isolation_tier, calibration, version, created_at)
        VALUES ('h', 'n', '{}', '1', 'm', 't', 'p', 'bfloat16', 'fma', 'avx2', 'a CPU', '3.11.7', 'namespaces', 1.5, '0.1.0', 'then')`);
      const before = old.prepare('SELECT * FROM experiments').get() as Record<string, unknown>;
      migrate(old, ID, loadMigrations());
      // All that there was then was drawn on the CPU.
      expect(old.prepare('SELECT * FROM experiments').all()).toEqual([{ ...before, device: 'cpu', device_name: 'a CPU' }]);
      expect(old.pragma('user_version', { simple: true })).toBe(loadMigrations().length);
    } finally {
      old.close();
    }
  });

  it('has one view with a row for each sample, judged or not', () => {
    expect(database.prepare('SELECT count(*) FROM sample_results').pluck().get()).toBe(0);
  });
});
