/** `faultline upgrade`: a database of an old schema becomes one that is read, with all that it held, also where it is killed in any of the steps. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadMigrations } from '../../../src/store/migrations.js';
import { makeOldDatabase, OLD_VERSION } from '../../unit/store/old-database.js';
import { transpileStore } from '../store/child.js';
import { faultline, scratchFolder } from './faultline.js';

const folder = scratchFolder();
const old = path.join(folder, 'old.db');
const current = loadMigrations().length;
const at = (name: string): string => path.join(folder, name);

function copyOfOld(name: string): string {
  copyFileSync(old, at(name));
  return at(name);
}

/** Every row of every table; an index of words has tables of its own, which depend on the order of what was done. */
function rowsOf(file: string): Record<string, string[]> {
  const database = new Database(file, { readonly: true });
  try {
    const names = database.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'error_search%' ORDER BY name").pluck().all(); // prettier-ignore
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    const all = (name: string): string[] => database.prepare(`SELECT * FROM ${name}`).all().map((row) => JSON.stringify(row)).sort(); // prettier-ignore
    return Object.fromEntries(names.map((name) => [name, all(name)]));
  } finally {
    database.close();
  }
}

function versionOf(file: string): unknown {
  const database = new Database(file, { readonly: true });
  try {
    return database.pragma('user_version', { simple: true });
  } finally {
    database.close();
  }
}

beforeAll(() => {
  makeOldDatabase(old);
});

describe('faultline upgrade', () => {
  it('is what a command that reads names, and makes the same command work, with nothing lost', async () => {
    const file = copyOfOld('study.db');
    const ask = [
      'query',
      'SELECT task_id, sample_index, outcome, category_code FROM sample_results ORDER BY sample_index',
      '--db',
      file,
      '--csv',
    ];
    for (const args of [
      ask,
      ['analyze', '--db', file],
      ['export', '--format', 'csv', '--db', file],
      ['merge', file, '--output', at('merged.db')],
    ]) {
      const { code, out, err } = await faultline(args);
      expect([code, out, err]).toEqual([
        3,
        '',
        `error: ${file}: the database has schema version ${OLD_VERSION}, and reading needs version ${current}\n` +
          `hint: Upgrade it in place with \`faultline upgrade '${file}'\`.\n`,
      ]);
    }
    expect(readFileSync(file).equals(readFileSync(old))).toBe(true);
    const upgraded = await faultline(['upgrade', file, '--json']);
    expect([upgraded.code, JSON.parse(upgraded.out), upgraded.err]).toEqual([0, { database: file, from: OLD_VERSION, to: current }, '']);
    const { code, out } = await faultline(ask);
    expect([code, out.trim().split(/\r?\n/)]).toEqual([
      0,
      ['task_id,sample_index,outcome,category_code', 'T/0,0,crash,4.1', 'T/0,1,pass,', 'T/0,2,,', 'T/0,3,wrong,'],
    ]);
    const found = await faultline(['query', '--search', 'NameError', '--db', file, '--json']);
    expect(JSON.parse(found.out)).toMatchObject({ rows: [expect.arrayContaining(['T/0', 'NameError'])] });
    const before = readFileSync(file);
    const again = await faultline(['upgrade', file]);
    expect([again.code, again.out]).toEqual([0, `${file}: has schema version ${current}, nothing is to do\n`]);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it('goes on after kill -9 in the middle of each step', async () => {
    const whole = copyOfOld('whole.db');
    expect((await faultline(['upgrade', whole])).code).toBe(0);
    const file = copyOfOld('killed.db');
    const code = transpileStore();
    onTestFinished(() => {
      rmSync(code, { recursive: true, force: true });
    });
    // Dies when all statements of a step are done and none of them is committed; a cache of a page has them in the write-ahead log by then.
    writeFileSync(
      path.join(code, 'main.js'),
      `import Database from 'better-sqlite3';
import { upgradeDatabase } from './src/store/database.js';
import { loadMigrations } from './src/store/migrations.js';
const [, , file, step] = process.argv;
const { exec } = Database.prototype;
const { sql } = loadMigrations()[Number(step) - 1];
Database.prototype.exec = function (text) {
  if (text === sql) exec.call(this, 'PRAGMA cache_size = 1');
  const done = exec.call(this, text);
  if (text === sql) process.kill(process.pid, 'SIGKILL');
  return done;
};
upgradeDatabase(file);
`,
    );
    for (let step = OLD_VERSION + 1; step <= current; step++) {
      const { signal, stderr } = spawnSync(process.execPath, [path.join(code, 'main.js'), file, String(step)], { encoding: 'utf8' });
      expect([step, signal, stderr]).toEqual([step, 'SIGKILL', '']);
      expect(versionOf(file)).toBe(step - 1);
    }
    const { code: status, out } = await faultline(['upgrade', file, '--json']);
    expect([status, JSON.parse(out)]).toEqual([0, { database: file, from: current - 1, to: current }]);
    const rows = rowsOf(file);
    expect(rows).toEqual(rowsOf(whole));
    expect(['samples', 'verdicts', 'executions', 'classifications', 'notes'].map((table) => rows[table]!.length)).toEqual([4, 3, 3, 3, 1]);
  });

  it('says what it cannot upgrade, and changes nothing', async () => {
    mkdirSync(at('folder.db'));
    writeFileSync(at('empty.db'), '');
    writeFileSync(at('text.db'), 'no database at all, and long enough to have a header of the size that is looked for '.repeat(2));
    const newer = copyOfOld('newer.db');
    const database = new Database(newer);
    database.pragma('user_version = 99');
    database.close();
    for (const [name, message] of [
      ['nowhere.db', 'no such database'],
      ['folder.db', 'this is a folder, not a database'],
      ['empty.db', 'holds no experiment'],
      ['text.db', 'this is not a SQLite database'],
      ['newer.db', 'the database has schema version 99, made by a newer faultline'],
    ] as const) {
      const { code, out, err } = await faultline(['upgrade', at(name)]);
      expect([code, out, err]).toEqual([3, '', expect.stringContaining(`error: ${at(name)}: ${message}`)]);
      // The command takes no such flag.
      expect(err).not.toMatch(/hint: .*(with|or) --db/);
    }
    expect(versionOf(newer)).toBe(99);
    expect(readFileSync(at('empty.db'))).toHaveLength(0);
  });
});
