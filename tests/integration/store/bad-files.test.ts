/** Files that are no database of ours, and places that cannot be written: a clear error each, and nothing changed. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { loadMigrations } from '../../../src/store/migrations.js';
import { Store } from '../../../src/store/store.js';
import { transpileStore } from './child.js';
import { runToEnd } from './store-run.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-bad-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The error of opening `file`, which must be of the kind, in one line, with a next step; and nothing may have changed. */
function refusal(file: string, readonly: boolean): FaultlineError {
  const before = snapshot();
  let thrown: unknown = null;
  try {
    Store.open(file, { readonly }).close();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(FaultlineError);
  const error = thrown as FaultlineError;
  expect(error.message.startsWith(`${file}: `)).toBe(true);
  expect(error.message).not.toContain('\n');
  expect(error.hint).toMatch(/^[A-Z].*\.$/);
  expect(snapshot()).toEqual(before);
  return error;
}

function snapshot(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file, readFileSync(file).toString('base64')]),
  );
}

describe.each([false, true])('opened with readonly %s', (readonly) => {
  it('a database of a newer version', () => {
    const file = path.join(folder, `newer-${readonly}.db`);
    Store.open(file).close();
    const database = new Database(file);
    database.pragma('user_version = 42');
    database.close();
    const error = refusal(file, readonly);
    expect(error.kind).toBe('input');
    expect(error.message).toContain('version 42');
    expect(error.message).toContain(`up to ${loadMigrations().length}`);
    expect(error.hint).toContain('Update faultline');
  });

  it('a database of another program', () => {
    const file = path.join(folder, 'foreign.db');
    if (!existsSync(file)) {
      const database = new Database(file);
      database.exec('CREATE TABLE mine (x)');
      database.close();
    }
    expect(refusal(file, readonly)).toMatchObject({ kind: 'input', message: expect.stringContaining('not made by faultline') as string });
  });

  it('a file that is not SQLite', () => {
    const file = path.join(folder, 'text.db');
    writeFileSync(file, 'not a database at all, but long enough to be read as a header of one hundred bytes. '.repeat(20));
    expect(refusal(file, readonly)).toMatchObject({ kind: 'input', message: expect.stringContaining('not a SQLite database') as string });
  });

  it('a folder', () => {
    const file = path.join(folder, 'folder.db');
    mkdirSync(file, { recursive: true });
    expect(refusal(file, readonly)).toMatchObject({ kind: 'input', message: expect.stringContaining('folder') as string });
  });
});

describe('a damaged database', () => {
  it('says so when the damage is met', () => {
    const file = path.join(folder, 'damaged.db');
    runToEnd(file, 0.1);
    const bytes = readFileSync(file);
    // Page 1 stays: it opens, and the tables behind it are gone.
    bytes.fill(0xa5, 4096);
    writeFileSync(file, bytes);
    const read = (): void => {
      const store = Store.open(file, { readonly: true });
      try {
        for (const { id } of store.experiments()) store.resultDigest(id);
      } finally {
        store.close();
      }
    };
    expect(read).toThrow(FaultlineError);
    expect(read).toThrow(/damaged.db: the database is damaged/);
  });

  it('that lost its end says so', () => {
    const file = path.join(folder, 'short.db');
    runToEnd(file, 0.1);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, 8192));
    expect(() => {
      const store = Store.open(file);
      try {
        for (const { id } of store.experiments()) store.resultDigest(id);
      } finally {
        store.close();
      }
    }).toThrow(/short.db: the database is damaged/);
  });
});

describe('places', () => {
  it('a missing database is not made by reading it', () => {
    expect(refusal(path.join(folder, 'missing.db'), true)).toMatchObject({
      kind: 'input',
      message: expect.stringContaining('no such database') as string,
    });
  });

  it('a path below a file cannot be written', () => {
    const blocker = path.join(folder, 'blocker');
    writeFileSync(blocker, '');
    expect(refusal(path.join(blocker, 'x', 'faultline.db'), false).kind).toBe('output');
  });

  it('reading leaves nothing behind', () => {
    const file = path.join(folder, 'read.db');
    const digest = runToEnd(file, 0.1);
    const before = snapshot();
    const store = Store.open(file, { readonly: true });
    const [experiment] = store.experiments();
    expect(store.resultDigest(experiment!.id)).toBe(digest);
    expect(() => {
      store.addNote(experiment!.id, 'x', 'y');
    }).toThrow(/read.db: the database cannot be written/);
    store.close();
    expect(snapshot()).toEqual(before);
  });

  it('a link leads to the same shards and the same lock', () => {
    const file = path.join(folder, 'linked.db');
    const link = path.join(folder, 'link.db');
    const digest = runToEnd(file, 0.1);
    symlinkSync(file, link);
    expect(runToEnd(link, 0.2)).toBe(digest);
    expect(existsSync(`${link}.shards`)).toBe(false);
    const store = Store.open(file);
    expect(() => Store.open(link)).toThrow(/another run/);
    store.close();
    rmSync(link);
  });

  it('an empty file holds nothing to read', () => {
    const file = path.join(folder, 'nothing.db');
    writeFileSync(file, '');
    const error = refusal(file, true);
    expect([error.kind, error.message]).toEqual(['input', `${file}: holds no experiment`]);
    expect(error.hint).toContain('faultline run');
  });

  it('an empty file becomes a database', () => {
    const file = path.join(folder, 'empty.db');
    writeFileSync(file, '');
    Store.open(file).close();
    expect(Store.open(file, { readonly: true }).experiments()).toEqual([]);
  });
});

/** Root may write anywhere, so these run as `nobody` where the tests run as root. */
const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];
const probe = spawnSync(
  asNobody[0] ?? process.execPath,
  [...asNobody.slice(1), ...(asNobody.length > 0 ? [process.execPath] : []), '-e', 'require("better-sqlite3")'],
  {
    cwd: process.cwd(),
    encoding: 'utf8',
  },
);
const cannot = probe.status === 0 ? '' : ' (skipped: an ordinary user cannot run node with this checkout here)';

describe.skipIf(cannot !== '')(`a folder that an ordinary user may only read${cannot}`, () => {
  let code: string;

  beforeAll(() => {
    code = transpileStore();
    chmodSync(code, 0o755);
    chmodSync(folder, 0o755);
    writeFileSync(
      path.join(code, 'open.js'),
      `import { Store } from './src/store/store.js';
try {
  const store = Store.open(process.argv[2], { readonly: process.argv[3] === 'read' });
  const [experiment] = store.experiments();
  console.log(JSON.stringify({ digest: store.resultDigest(experiment.id) }));
  store.close();
} catch (error) {
  console.log(JSON.stringify({ kind: error.kind, message: error.message, hint: error.hint }));
}
`,
    );
  });

  afterAll(() => {
    rmSync(code, { recursive: true, force: true });
  });

  function open(file: string, how: 'read' | 'write'): Record<string, string> {
    const command = [...asNobody, process.execPath, path.join(code, 'open.js'), file, how];
    const child = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' });
    expect(child.stderr).toBe('');
    return JSON.parse(child.stdout) as Record<string, string>;
  }

  it('can be read, and refuses to be written', () => {
    const place = path.join(folder, 'readonly');
    mkdirSync(place);
    const file = path.join(place, 'faultline.db');
    const digest = runToEnd(file, 0.1);
    for (const each of [`${file}.shards`, place]) chmodSync(each, 0o555);
    chmodSync(file, 0o444);
    const before = snapshot();
    expect(open(file, 'read')).toEqual({ digest });
    const refused = open(file, 'write');
    expect(refused).toMatchObject({ kind: 'output', message: expect.stringContaining(file) as string });
    expect(refused['hint']).toContain('--db');
    const missing = open(path.join(place, 'other.db'), 'write');
    expect(missing).toMatchObject({ kind: 'output', message: expect.stringContaining('other.db') as string });
    expect(snapshot()).toEqual(before);
    chmodSync(place, 0o755);
    chmodSync(`${file}.shards`, 0o755);
  });
});
