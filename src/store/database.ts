/**
 * Opens the SQLite file: who may write it, what it must look like before anything is changed, and how SQLite's
 * errors read. Knows no table.
 */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { FaultlineError, reasonOf } from '../errors.js';
import { loadMigrations, migrate } from './migrations.js';

/** `FLTL`: marks a file as faultline's own (SQLite's `application_id`). */
const APPLICATION_ID = 0x464c544c;
/** How long a statement waits for a reader's checkpoint or another tool's write before it gives up. */
const BUSY_TIMEOUT_MS = 5_000;
/** Byte 18 and 19 of a database file: 1 for a rollback journal, 2 for WAL (https://sqlite.org/fileformat2.html). */
const JOURNAL_VERSION_OFFSET = 18;

export interface OpenOptions {
  /** Read only: no lock is taken, nothing is created or changed. */
  readonly readonly?: boolean;
}

export interface OpenedDatabase {
  readonly database: Database.Database;
  /** Gives up the right to write. Idempotent. */
  readonly release: () => void;
}

/** The folder of a database's shards and of its lock. */
export function shardFolder(file: string): string {
  return `${file}.shards`;
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
  refuseFolder(file);
  makeFolder(file, path.dirname(path.resolve(file)));
  // Refuse a foreign or newer file before the lock creates the shard folder beside it.
  if (existsSync(file) && statSync(file).size > 0) {
    const probe = connect(file, { readonly: true });
    try {
      checkHeader(probe, file);
    } finally {
      probe.close();
    }
  }
  const release = acquireLock(file);
  try {
    const database = connect(file, { readonly: false });
    try {
      return withClearErrors(file, () => {
        // Again, under the lock: the file may have changed hands in between.
        checkHeader(database, file);
        database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
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

function openForReading(file: string): Database.Database {
  refuseFolder(file);
  if (!existsSync(file)) {
    throw new FaultlineError('input', 'no such database', {
      place: { file },
      hint: 'Name an existing one with --db, or make one with `faultline run`.',
    });
  }
  const database = connect(file, { readonly: true });
  try {
    return withClearErrors(file, () => {
      const version = checkHeader(database, file);
      const current = loadMigrations().length;
      if (version < current) {
        throw new FaultlineError('input', `the database has schema version ${version}, and reading needs version ${current}`, {
          place: { file },
          hint: 'Open it once with a command that writes, such as `faultline run`: that upgrades it in place.',
        });
      }
      database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
      return database;
    });
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** A connection, checked to be readable. */
function connect(file: string, options: { readonly: boolean }): Database.Database {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { readonly: options.readonly, fileMustExist: options.readonly, timeout: BUSY_TIMEOUT_MS });
    // The first statement is what really opens the file.
    database.pragma('schema_version', { simple: true });
    return database;
  } catch (thrown) {
    database?.close();
    if (options.readonly && canBeCopied(file, thrown)) return connectToCopy(file);
    throw clearError(file, thrown);
  }
}

/**
 * SQLite reads a WAL database only where it may create the `-shm` file, so not on read-only media. A database that
 * was closed has no `-wal`, is complete as a file, and can be read as a copy in memory.
 */
function canBeCopied(file: string, thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  const refused = code !== null && (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY'));
  const wal = `${file}-wal`;
  return refused && existsSync(file) && (!existsSync(wal) || statSync(wal).size === 0);
}

function connectToCopy(file: string): Database.Database {
  try {
    const bytes = readFileSync(file);
    bytes[JOURNAL_VERSION_OFFSET] = 1;
    bytes[JOURNAL_VERSION_OFFSET + 1] = 1;
    return new Database(bytes, { readonly: true });
  } catch (thrown) {
    throw clearError(file, thrown);
  }
}

/** Returns the schema version; throws for a file that is not ours or from a newer faultline. Changes nothing. */
function checkHeader(database: Database.Database, file: string): number {
  const version = database.pragma('user_version', { simple: true }) as number;
  const application = database.pragma('application_id', { simple: true }) as number;
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
  const current = loadMigrations().length;
  if (application !== APPLICATION_ID && (application !== 0 || tables > 0)) {
    throw new FaultlineError('input', 'this SQLite database was not made by faultline', {
      place: { file },
      hint: 'Name another file with --db; faultline does not touch this one.',
    });
  }
  if (version > current) {
    throw new FaultlineError(
      'input',
      `the database has schema version ${version}, made by a newer faultline; this one knows versions up to ${current}`,
      { place: { file }, hint: 'Update faultline, or name another file with --db; nothing has been changed.' },
    );
  }
  return version;
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

function refuseFolder(file: string): void {
  if (existsSync(file) && statSync(file).isDirectory()) {
    throw new FaultlineError('input', 'this is a folder, not a database', {
      place: { file },
      hint: 'Name a file in it, such as faultline.db.',
    });
  }
}

function makeFolder(file: string, folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
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
    hint: 'Name another file with --db; faultline does not touch this one.',
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
