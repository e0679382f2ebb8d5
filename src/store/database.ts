/**
 * Opens the SQLite file: who may write it, what it must look like before anything is changed, and how SQLite's
 * errors read. Knows no table.
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { FaultlineError, reasonOf } from '../errors.js';
import { makeFolders } from '../folders.js';
import { loadMigrations, migrate } from './migrations.js';

/** `FLTL`: marks a file as faultline's own (SQLite's `application_id`). */
const APPLICATION_ID = 0x464c544c;
/** How long a statement waits for a reader's checkpoint or another tool's write before it gives up. */
const BUSY_TIMEOUT_MS = 5_000;
/** Places in the first bytes of a database file, numbers big-endian (https://sqlite.org/fileformat2.html, section 1.3). */
const Header = {
  size: 100,
  magic: 'SQLite format 3\0',
  /** Two bytes, for writing and reading: 1 for a rollback journal, 2 for a write-ahead log. */
  journalVersions: 18,
  schemaCookie: 40,
  userVersion: 60,
  applicationId: 68,
} as const;
const NOT_TOUCHED = 'Name another file; faultline does not touch this one.';

export interface OpenOptions {
  /** Read only: no lock is taken, nothing is created or changed. */
  readonly readonly?: boolean;
}

export interface OpenedDatabase {
  readonly database: Database.Database;
  /** Gives up the right to write. Idempotent. */
  readonly release: () => void;
}

/** How the name of a database's folder of shards ends. */
export const SHARD_FOLDER_END = '.shards';

/** The folder of a database's shards and of its lock: beside the file itself, also where `file` is a link to it. */
export function shardFolder(file: string): string {
  return `${existsSync(file) ? realpathSync(file) : file}${SHARD_FOLDER_END}`;
}

/** See {@link Store.open} for what is promised. The caller closes `database`, then calls `release`. */
export function openDatabase(file: string, options: OpenOptions): OpenedDatabase {
  return options.readonly === true ? { database: openForReading(file), release: () => undefined } : openForWriting(file);
}

/** Closes a connection; the last one to close leaves a single file, without `-wal` and `-shm`. Idempotent. */
export function closeDatabase(database: Database.Database): void {
  if (database.open) database.close();
}

function openForWriting(file: string): OpenedDatabase {
  refuseForeignFile(file);
  makeFolder(file, path.dirname(path.resolve(file)));
  const release = acquireLock(file);
  try {
    const database = connect(file, { mustExist: false });
    try {
      return withClearErrors(file, () => {
        // Again, and under the lock: what a killed run committed may still stand in the write-ahead log.
        refuseForeignTables(database, file);
        database.pragma('journal_mode = WAL');
        // A kill loses nothing in NORMAL; only a power cut can lose the last transactions, never consistency.
        database.pragma('synchronous = NORMAL');
        database.pragma('foreign_keys = ON');
        migrate(database, APPLICATION_ID, loadMigrations());
        return { database, release };
      });
    } catch (thrown) {
      database.close();
      throw thrown;
    }
  } catch (thrown) {
    release();
    throw thrown;
  }
}

/**
 * Brings a database that is there to the current schema, as opening it for writing does: each step whole or not at all, so that the same call goes on
 * where a killed one stopped. Says from which version to which; equal ones mean that nothing was to do, and nothing is opened for writing then.
 * Throws as {@link Store.open} does, and `input` where there is none or it is empty.
 */
export function upgradeDatabase(file: string): { readonly from: number; readonly to: number } {
  const to = loadMigrations().length;
  const before = connectToExisting(file);
  let from: number;
  try {
    from = withClearErrors(file, () => versionOf(before, file));
  } finally {
    before.close();
  }
  if (from < to) {
    const { database, release } = openForWriting(file);
    try {
      closeDatabase(database);
    } finally {
      release();
    }
  }
  return { from, to };
}

function connectToExisting(file: string): Database.Database {
  if (!existsSync(file)) {
    throw new FaultlineError('input', 'no such database', {
      place: { file },
      hint: 'Name one that is there; `faultline run` makes one, outputs/faultline.db unless its --db says otherwise.',
    });
  }
  refuseForeignFile(file);
  return connectForReading(file);
}

/** The schema's version. Throws `input` for an empty file, or what a run left that was killed while it made the database. */
function versionOf(database: Database.Database, file: string): number {
  const version = refuseForeignTables(database, file);
  if (version > 0) return version;
  throw new FaultlineError('input', 'holds no experiment', {
    place: { file },
    hint: 'Make one with `faultline run`, or name another file.',
  });
}

function openForReading(file: string): Database.Database {
  const database = connectToExisting(file);
  try {
    return withClearErrors(file, () => {
      const version = versionOf(database, file);
      const current = loadMigrations().length;
      if (version < current) {
        throw new FaultlineError('input', `the database has schema version ${version}, and reading needs version ${current}`, {
          place: { file },
          hint: `Upgrade it in place with \`faultline upgrade '${file}'\`.`,
        });
      }
      return database;
    });
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** A connection that has read the file once, as only the first statement really opens it. */
function connect(file: string, options: { mustExist: boolean }): Database.Database {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { fileMustExist: options.mustExist, timeout: BUSY_TIMEOUT_MS });
    database.pragma('schema_version', { simple: true });
    return database;
  } catch (thrown) {
    database?.close();
    throw clearError(file, thrown);
  }
}

/**
 * Not SQLite's own read-only mode: such a connection leaves `-wal` and `-shm` files behind when it is the last one to
 * close, and cannot open a WAL database where it may not create them. `query_only` writes nothing and tidies up; and
 * on read-only media a database that was closed is complete as a file, so that a copy in memory serves.
 */
function connectForReading(file: string): Database.Database {
  let database: Database.Database;
  try {
    database = connect(file, { mustExist: true });
  } catch (thrown) {
    const code = sqliteCode(thrown instanceof FaultlineError ? thrown.cause : thrown) ?? '';
    const refused = code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY');
    if (!refused || hasLog(file)) throw thrown;
    database = copyInMemory(file);
  }
  database.pragma('query_only = ON');
  return database;
}

function copyInMemory(file: string): Database.Database {
  return withClearErrors(file, () => {
    const bytes = readFileSync(file);
    // A database in memory has no log; marking the copy as one with a rollback journal lets SQLite read it.
    bytes.fill(1, Header.journalVersions, Header.journalVersions + 2);
    return new Database(bytes, { readonly: true });
  });
}

/** Whether committed pages wait in the write-ahead log: after a kill, or while a run is writing. */
function hasLog(file: string): boolean {
  const log = `${file}-wal`;
  return existsSync(log) && statSync(log).size > 0;
}

/**
 * Looks at the bytes alone, so that a file that is not ours is refused before SQLite, or a folder beside it, could
 * change anything. Says nothing about a missing or empty file, which becomes a database.
 */
function refuseForeignFile(file: string): void {
  if (!existsSync(file)) return;
  if (statSync(file).isDirectory()) {
    throw new FaultlineError('input', 'this is a folder, not a database', {
      place: { file },
      hint: 'Name a file in it, such as faultline.db.',
    });
  }
  const header = readHeader(file);
  if (header.length === 0) return;
  if (header.length < Header.size || header.toString('latin1', 0, Header.magic.length) !== Header.magic) {
    throw new FaultlineError('input', 'this is not a SQLite database', { place: { file }, hint: NOT_TOUCHED });
  }
  // With a log the header may be older than the database; refuseForeignTables sees both.
  if (hasLog(file)) return;
  const application = header.readInt32BE(Header.applicationId);
  // A run killed while it made the file leaves one page without tables.
  const fresh = application === 0 && header.readInt32BE(Header.userVersion) === 0 && header.readInt32BE(Header.schemaCookie) === 0;
  if (application !== APPLICATION_ID && !fresh) throw foreign(file);
  refuseNewer(header.readInt32BE(Header.userVersion), file);
}

/** The same by SQLite's own words; returns the schema version. Changes nothing. */
function refuseForeignTables(database: Database.Database, file: string): number {
  const version = database.pragma('user_version', { simple: true }) as number;
  const application = database.pragma('application_id', { simple: true }) as number;
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  if (application !== APPLICATION_ID && (application !== 0 || tables > 0)) throw foreign(file);
  refuseNewer(version, file);
  return version;
}

function foreign(file: string): FaultlineError {
  return new FaultlineError('input', 'this SQLite database was not made by faultline', { place: { file }, hint: NOT_TOUCHED });
}

function refuseNewer(version: number, file: string): void {
  const current = loadMigrations().length;
  if (version <= current) return;
  throw new FaultlineError(
    'input',
    `the database has schema version ${version}, made by a newer faultline; this one knows versions up to ${current}`,
    { place: { file }, hint: 'Update faultline, or name another file; nothing has been changed.' },
  );
}

function readHeader(file: string): Buffer {
  return withClearErrors(file, () => {
    const handle = openSync(file, 'r');
    try {
      const header = Buffer.alloc(Header.size);
      return header.subarray(0, readSync(handle, header, 0, header.length, 0));
    } finally {
      closeSync(handle);
    }
  });
}

/**
 * One writing process per database. The lock is an exclusive transaction on an empty SQLite file in the shard folder:
 * the system drops it when the process ends, however it ends, so that a killed run leaves no stale lock behind; and
 * readers of the database itself are not kept out.
 */
function acquireLock(file: string): () => void {
  const folder = shardFolder(file);
  makeFolder(file, folder);
  const lockFile = path.join(folder, 'lock');
  let lock: Database.Database | undefined;
  try {
    lock = new Database(lockFile, { timeout: 0 });
    // Nothing is ever written to it, so that a journal would only lie about.
    lock.pragma('journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    lock?.close();
    if (sqliteCode(thrown)?.startsWith('SQLITE_BUSY') === true) {
      throw new FaultlineError('output', 'another run is writing this database', {
        place: { file },
        hint: 'Wait for it or stop it, then run the same command again; or name another file with --db.',
        cause: thrown,
      });
    }
    throw clearError(lockFile, thrown);
  }
  const held = lock;
  return () => {
    if (held.open) held.close();
  };
}

function makeFolder(file: string, folder: string): void {
  try {
    makeFolders(folder);
  } catch (thrown) {
    throw new FaultlineError('output', `cannot make the folder ${folder} for the database: ${reasonOf(thrown)}`, {
      place: { file },
      hint: 'Name a place that you may write to with --db.',
      cause: thrown,
    });
  }
}

/** Runs `work`; what SQLite or the file system throws becomes a FaultlineError that names `file`. */
export function withClearErrors<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw clearError(file, thrown);
  }
}

function sqliteCode(thrown: unknown): string | null {
  return thrown instanceof Database.SqliteError ? thrown.code : null;
}

/** Codes of SQLite and of the file system that a user can do something about, with what to do. First match wins. */
const KNOWN_ERRORS: readonly { prefix: string; kind: 'input' | 'output'; reason: string; hint: string }[] = [
  {
    prefix: 'SQLITE_NOTADB',
    kind: 'input',
    reason: 'this is not a SQLite database',
    hint: NOT_TOUCHED,
  },
  {
    prefix: 'SQLITE_CORRUPT',
    kind: 'input',
    reason: 'the database is damaged',
    hint: 'Restore it from a copy, or save what is left with `sqlite3 FILE .recover`; then run the same command again.',
  },
  {
    prefix: 'SQLITE_FULL',
    kind: 'output',
    reason: 'the disk is full',
    hint: 'Free some space and run the same command again: it goes on where it stopped.',
  },
  {
    prefix: 'ENOSPC',
    kind: 'output',
    reason: 'the disk is full',
    hint: 'Free some space and run the same command again: it goes on where it stopped.',
  },
  {
    prefix: 'SQLITE_BUSY',
    kind: 'output',
    reason: 'another program holds the database',
    hint: 'Close it and run the same command again: it goes on where it stopped.',
  },
  {
    prefix: 'SQLITE_READONLY',
    kind: 'output',
    reason: 'the database cannot be written',
    hint: 'Make the file and its folder writable, or name another one with --db.',
  },
  {
    prefix: 'SQLITE_CANTOPEN',
    kind: 'output',
    reason: 'the database cannot be opened',
    hint: 'Make the file and its folder readable and writable, or name another one with --db.',
  },
  {
    prefix: 'SQLITE_IOERR',
    kind: 'output',
    reason: 'the disk failed to read or write the database',
    hint: 'Check the disk, then run the same command again: it goes on where it stopped.',
  },
  { prefix: 'EACCES', kind: 'output', reason: 'writing is not allowed', hint: 'Name a place that you may write to with --db.' },
  { prefix: 'EPERM', kind: 'output', reason: 'writing is not allowed', hint: 'Name a place that you may write to with --db.' },
  { prefix: 'EROFS', kind: 'output', reason: 'the file system is read-only', hint: 'Name a place that you may write to with --db.' },
];

function clearError(file: string, thrown: unknown): unknown {
  if (thrown instanceof FaultlineError) return thrown;
  const code = sqliteCode(thrown) ?? (thrown as NodeJS.ErrnoException | null)?.code;
  if (typeof code !== 'string') return thrown;
  const known = KNOWN_ERRORS.find(({ prefix }) => code.startsWith(prefix));
  if (known === undefined) return thrown;
  return new FaultlineError(known.kind, `${known.reason} (${reasonOf(thrown)})`, { place: { file }, hint: known.hint, cause: thrown });
}
