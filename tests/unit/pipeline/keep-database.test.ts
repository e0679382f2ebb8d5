/** Outputs that would replace a database or a part of it, by any path, and those that may be written beside it. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepDatabase } from '../../../src/pipeline/keep-database.js';

const folder = mkdtempSync(path.join(tmpdir(), 'faultline-keep-'));
const db = path.join(folder, 'x.db');
const HINT = 'Give --output another name.';
const asking =
  (out: string, database = db) =>
  (): void => {
    keepDatabase(out, database, HINT);
  };

beforeAll(() => {
  writeFileSync(db, '');
  mkdirSync(`${db}.shards`);
  symlinkSync(db, path.join(folder, 'link.db'));
  symlinkSync(folder, path.join(folder, 'here'));
  symlinkSync(`${db}.shards`, path.join(folder, 'tokens'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('keepDatabase', () => {
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
  ])('refuses %s', (name) => {
    for (const database of [db, path.join(folder, 'link.db'), path.relative('.', db)]) {
      expect(asking(path.join(folder, name), database)).toThrow(
        expect.objectContaining({
          kind: 'usage',
          hint: HINT,
          message: expect.stringMatching(/the database .*, and would be replaced$/) as string,
        }),
      );
    }
  });

  it.each(['x.json', 'x.db.json', 'x.db.shards.json', 'no/such/folder/x.db', 'y.db'])('lets %s be written', (name) => {
    expect(asking(path.join(folder, name))).not.toThrow();
  });
});
