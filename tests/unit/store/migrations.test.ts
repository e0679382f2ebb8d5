/** The schema's steps: complete, applied once each, and whole or not at all. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadMigrations, migrate, type Migration } from '../../../src/store/migrations.js';
import { NOT_MEASURED } from '../../../src/sandbox/verdict.js';
import { Store } from '../../../src/store/store.js';
import { APPLICATION_ID as ID, makeOldDatabase } from './old-database.js';

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

it('a measure more keeps what there was, and views of the user’s own, those that are broken included', () => {
  migrate(database, ID, loadMigrations().slice(0, 9));
  database.exec(`
    CREATE VIEW own AS SELECT bleu FROM text_measures;
    CREATE VIEW further AS SELECT task_id, bleu FROM text_measures_by_sample;
    CREATE VIEW broken AS SELECT x FROM nowhere;
    PRAGMA foreign_keys = OFF;
    INSERT INTO text_measures (sample_id, bleu, lines) VALUES (1, 0.25, 3);`);
  migrate(database, ID, loadMigrations());
  expect(version()).toBe(loadMigrations().length);
  expect(database.prepare('SELECT bleu, lines, ast_match, is_stale FROM text_measures').all()).toEqual([
    { bleu: 0.25, lines: 3, ast_match: null, is_stale: 1 },
  ]);
  expect(database.prepare('SELECT bleu FROM own').pluck().all()).toEqual([0.25]);
  expect(database.prepare('SELECT * FROM further').all()).toEqual([]);
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
      expect(old.prepare('SELECT * FROM experiments').all()).toEqual([
        { ...before, device: 'cpu', device_name: 'a CPU', category_settings: null },
      ]);
      expect(old.pragma('user_version', { simple: true })).toBe(loadMigrations().length);
      // And begun as a whole.
      expect(old.prepare('SELECT experiment_id, shard_index, shard_count FROM work_shards').all()).toEqual([
        { experiment_id: 1, shard_index: 0, shard_count: 1 },
      ]);
    } finally {
      old.close();
    }
  });

  it('takes a database of the second version along: every verdict reads as it was, and problems keep their hashes', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'faultline-old-'));
    const file = path.join(folder, 'old.db');
    makeOldDatabase(file);
    try {
      using store = Store.open(file);
      const [experiment] = store.experiments();
      expect(experiment).toMatchObject({ id: 1, name: 'n', device: 'cuda', deviceName: 'a GPU', calibration: 1.5 });
      const measured = { phase: 'call', calls: 1, allNone: false, ...NOT_MEASURED };
      const undecided = { published: null, rule: null, place: null, tokens: null, node: null, tags: [] };
      const frames = [{ where: 'sample', function: 'f', line: 2 }];
      expect([...store.judgedSamples(1)]).toMatchObject([
        {
          taskId: 'T/0',
          rawText: '    return x\nmore',
          verdict: {
            passed: false,
            outcome: {
              status: 'exception',
              exception: { type: 'NameError', bases: ['NameError'], frames, line: 2, statement: null, locals: [] },
            },
            measurements: { ...measured, stdout: 'out', cpuSeconds: 0.5, wallSeconds: 1.5, peakMemoryBytes: 9, nearLimit: false },
          },
          ...{
            categoryCode: '4.1',
            categoryName: 'crash.name_error',
            outcome: 'crash',
            evidence: 'seen',
            generationCode: '1.3',
            ...undecided,
          },
        },
        { verdict: { passed: true, measurements: { ...measured, nearLimit: true } }, outcome: 'pass', categoryCode: null, ...undecided },
        { verdict: { outcome: { status: 'unserialisable', typeName: 'generator', reason: 'has no plain form' } } },
      ]);
      expect(store.notes(1)).toMatchObject([{ text: 'a note' }]);
      expect([...store.pendingExecutions(1)]).toMatchObject([{ sampleIndex: 2, furtherTest: null, unsupported: null }]);
      expect(store.verdictOf(1, 'T/0', '    return 1\n')?.passed).toBe(true);
      // The same problem again is no other one.
      store.addProblems(1, store.problems(1));
      const [digest, now] = [store.resultDigest(1), store.problems(1)];
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
      expect(now).toEqual([{ taskId: 'T/0', prompt: 'def f():\n', entryPoint: 'f', canonicalSolution: '    return 1\n', test: 'assert f() == 1\n', difficulty: 2, furtherTest: null, unsupported: null, position: 0 }]); // prettier-ignore
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('takes a database of the ninth version along: what was measured stays, and is to be measured again', () => {
    const old = new Database(':memory:');
    try {
      migrate(old, ID, loadMigrations().slice(0, 9));
      old.exec(`INSERT INTO experiments (id, hash, name, config, seed, model_hash, tokenizer_hash, problems_hash, dtype, kernel_family, isa, cpu,
          python_version, isolation_tier, calibration, version, created_at, device, device_name)
        VALUES (1, 'h', 'n', '{}', '1', 'm', 't', 'p', 'float32', 'fma', 'avx2', 'a CPU', '3.11.7', 'namespaces', 1.5, '0.1.0', 'then', 'cpu', 'a CPU');
        INSERT INTO problems (id, hash, task_id, prompt, entry_point, canonical_solution, test) VALUES (1, 'h', 'T/0', 'p', 'f', 'c', 't');
        INSERT INTO experiment_problems VALUES (1, 0, 1);
        INSERT INTO samples (id, experiment_id, strategy, problem_id, sample_index, completion, discarded, finish_reason, seed, token_count)
        VALUES (1, 1, 's', 1, 0, 'x', '', 'stop', '1', 0), (2, 1, 's', 1, 1, 'y', '', 'stop', '1', 0);
        INSERT INTO text_measures VALUES (1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 8, 9, 10, 0.11, 12, 0.13, -0.14, 0.15, 1.16),
          (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 8, 9, 10, NULL, 12, NULL, NULL, NULL, NULL)`);
      const before = old.prepare('SELECT * FROM text_measures ORDER BY sample_id').all() as Record<string, unknown>[];
      const seen = old.prepare('SELECT * FROM text_measures_by_sample ORDER BY sample_index').all() as Record<string, unknown>[];
      migrate(old, ID, loadMigrations().slice(0, 10));
      const now = old.prepare('SELECT * FROM text_measures ORDER BY sample_id').all();
      expect(now).toEqual(before.map((row) => ({ ...row, ast_match: null, is_stale: 1 })));
      const shown = old.prepare('SELECT * FROM text_measures_by_sample ORDER BY sample_index').all();
      expect(shown).toEqual(seen.map((row) => ({ ...row, ast_match: null })));
      expect(shown).toHaveLength(2);
      expect(old.pragma('foreign_key_check')).toEqual([]);
    } finally {
      old.close();
    }
  });

  it('has one view with a row for each sample, judged or not', () => {
    expect(database.prepare('SELECT count(*) FROM sample_results').pluck().get()).toBe(0);
  });
});
