/** Outputs that would replace a database, a part of one or a file of another kind, by any path, and those that may be written beside it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../../src/engine/safetensors.js';
import { keepFiles, type FileKind } from '../../../src/pipeline/keep-files.js';

const folder = mkdtempSync(path.join(tmpdir(), 'faultline-keep-'));
const db = path.join(folder, 'x.db');
const HINT = 'Give --output another name.';
const asking =
  (out: string, database: string | null = db, own: FileKind | null = null) =>
  (): void => {
    keepFiles(out, { database, own, hint: HINT });
  };
const refused = (message: RegExp): unknown =>
  expect.objectContaining({ kind: 'usage', hint: HINT, message: expect.stringMatching(message) as string });

/** Files of kinds, by name. */
const FILES: Record<string, FileKind> = {
  'other.db': 'a SQLite database',
  'model.gguf': 'a GGUF file',
  'model.safetensors': 'a safetensors file',
  'x.parquet': 'a Parquet file',
  'pytorch_model.bin': 'a ZIP archive',
  'HumanEval.jsonl.gz': 'a gzip file',
};

beforeAll(async () => {
  writeFileSync(db, '');
  mkdirSync(`${db}.shards`);
  symlinkSync(db, path.join(folder, 'link.db'));
  symlinkSync(folder, path.join(folder, 'here'));
  symlinkSync(`${db}.shards`, path.join(folder, 'tokens'));
  const other = new Database(path.join(folder, 'other.db'));
  other.exec('CREATE TABLE t (a)');
  other.close();
  mkdirSync(path.join(folder, 'other.db.shards'));
  symlinkSync('other.db', path.join(folder, 'other-link.db'));
  await writeSafetensors(path.join(folder, 'model.safetensors'), new Map([['a', { shape: [1], data: new Float32Array(1) }]]));
  writeFileSync(path.join(folder, 'model.gguf'), 'GGUF\u0003\0\0\0');
  writeFileSync(path.join(folder, 'x.parquet'), 'PAR1\u0015\0PAR1');
  writeFileSync(path.join(folder, 'pytorch_model.bin'), 'PK\u0003\u0004\u0014\0');
  writeFileSync(path.join(folder, 'HumanEval.jsonl.gz'), gzipSync('{}\n'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("the command's own database", () => {
  it.each([
    'x.db',
    'link.db',
    'here/x.db',
    'x.db-wal',
    'x.db-shm',
    'x.db-journal',
    'here/x.db-wal',
    'x.db.shards',
    'x.db.shards/lock',
    'tokens/new',
  ])('keeps %s', (name) => {
    for (const database of [db, path.join(folder, 'link.db'), path.relative('.', db)]) {
      expect(asking(path.join(folder, name), database)).toThrow(refused(/the database .*, and would be replaced$/));
    }
  });

  it.each(['x.json', 'x.db.json', 'x.db.shards.json', 'no/such/folder/x.db', 'y.db', 'y.db-wal'])('lets %s be written', (name) => {
    expect(asking(path.join(folder, name))).not.toThrow();
  });
});

describe('files that the command does not read', () => {
  it.each(Object.entries(FILES))('%s is %s, which no output of another kind replaces', (name, kind) => {
    const file = path.join(folder, name);
    for (const own of [null, ...Object.values(FILES).filter((each) => each !== kind)]) {
      for (const database of [null, db])
        expect(asking(file, database, own)).toThrow(refused(RegExp(`: is ${kind}, and would be replaced$`)));
    }
    expect(asking(file, null, kind)).not.toThrow();
  });

  it.each(['other-link.db', 'here/other.db'])('%s is the database that it leads to', (name) => {
    expect(asking(path.join(folder, name), null)).toThrow(refused(/is a SQLite database/));
  });

  it.each(['other.db-wal', 'other.db-shm', 'other.db-journal', 'here/other.db-wal', 'other.db.shards/experiment-1-000001.safetensors'])(
    '%s belongs to a database, of whatever kind the output is',
    (name) => {
      for (const own of [null, 'a safetensors file'] as const) {
        expect(asking(path.join(folder, name), null, own)).toThrow(refused(/belongs to the database .*other\.db, and would be replaced$/));
      }
    },
  );

  it('are left to be replaced where they are text, empty, short, or not there', () => {
    for (const [name, text] of [
      ['lines.jsonl', '{"a":1}\n'],
      ['empty', ''],
      ['short', 'GG'],
      ['spaces', '        {"a":1}'],
      ['brace.txt', '{'],
    ] as const) {
      const file = path.join(folder, name);
      writeFileSync(file, text);
      expect(asking(file, null), name).not.toThrow();
    }
    expect(asking(path.join(folder, 'new.db'), null)).not.toThrow();
    // What is no file is refused by who opens it.
    expect(asking('/dev/null', null)).not.toThrow();
  });
});
