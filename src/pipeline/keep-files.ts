/**
 * What an output must not replace, whether its command reads it or not: a database, the files that belong to one, and files that are plainly of
 * another kind than the output, such as a model's weights. Opens no database; reads a file's first bytes alone.
 */
import { closeSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { FaultlineError } from '../errors.js';
import { SHARD_FOLDER_END, shardFolder } from '../store/database.js';

/** What SQLite puts beside a database, whether it is there at the moment or not. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

/** Bytes from a file's beginning that tell its kind. */
const HEAD_BYTES = 16;
/** More than any header of a safetensors file that was made has, and far less than eight characters of a text come to as a number. */
const SAFETENSORS_HEADER_MOST = 1n << 32n;
const beginsWith =
  (magic: string) =>
  (head: Buffer): boolean =>
    head.toString('latin1', 0, magic.length) === magic;

/**
 * Kinds that show in the first bytes. All that is text looks alike: which text may be replaced nobody can tell.
 */
const KINDS = {
  'a SQLite database': beginsWith('SQLite format 3\0'),
  'a GGUF file': beginsWith('GGUF'),
  'a safetensors file': (head: Buffer): boolean =>
    head.length > 8 && head.readBigUInt64LE(0) < SAFETENSORS_HEADER_MOST && head.toString('latin1', 8, 9) === '{',
  'a Parquet file': beginsWith('PAR1'),
  'a ZIP archive': beginsWith('PK\u0003\u0004'),
  'a gzip file': beginsWith('\u001f\u008b'),
};
export type FileKind = keyof typeof KINDS;

export interface Kept {
  /** The database that the command reads; null where it reads none. */
  readonly database: string | null;
  /** The output's own kind, which it may replace; null for a text. */
  readonly own?: FileKind | null;
  /** The next step, such as `Give --output another name.` */
  readonly hint: string;
}

/**
 * Refuses an output that would replace a database, what SQLite keeps beside it, or a place in its folder of tokens, by whatever path; the
 * command's own database also where it is yet to be made. And one in whose place a file of another kind stands. Call it before the output is
 * opened.
 * @throws FaultlineError of kind `usage`
 */
export function keepFiles(out: string, { database, own = null, hint }: Kept): void {
  const target = realPath(out);
  const refuse = (reason: string): never => {
    throw new FaultlineError('usage', `${reason}, and would be replaced`, { place: { file: out }, hint });
  };
  if (database !== null) {
    const kept = realPath(database);
    if (target === kept) refuse('is the database that this command reads');
    const shards = realPath(shardFolder(database));
    if (COMPANIONS.some((end) => target === kept + end) || target === shards || target.startsWith(shards + sep)) {
      refuse(`belongs to the database ${database} that this command reads`);
    }
  }
  const kind = kindOf(target);
  if (kind !== null && kind !== own) refuse(`is ${kind}`);
  const owner = ownersOf(target).find((file) => kindOf(file) === 'a SQLite database');
  if (owner !== undefined) refuse(`belongs to the database ${owner}`);
}

/** The databases that a place would belong to, if they were there. */
function ownersOf(target: string): string[] {
  const ends = COMPANIONS.filter((end) => target.endsWith(end)).map((end) => target.slice(0, -end.length));
  const folder = dirname(target);
  return folder.endsWith(SHARD_FOLDER_END) ? [...ends, folder.slice(0, -SHARD_FOLDER_END.length)] : ends;
}

/** Null for nothing, what is no regular file or may not be read, and what shows no kind. */
function kindOf(file: string): FileKind | null {
  let head: Buffer;
  try {
    // A pipe would wait for somebody to write.
    if (!statSync(file).isFile()) return null;
    const handle = openSync(file, 'r');
    try {
      head = Buffer.alloc(HEAD_BYTES);
      head = head.subarray(0, readSync(handle, head, 0, HEAD_BYTES, 0));
    } finally {
      closeSync(handle);
    }
  } catch {
    return null;
  }
  return (Object.keys(KINDS) as FileKind[]).find((kind) => KINDS[kind](head)) ?? null;
}

/** The path behind all links; of what is not there yet, as far as its folders are. */
function realPath(file: string): string {
  const path = resolve(file);
  try {
    return realpathSync(path);
  } catch {
    const above = dirname(path);
    return above === path ? path : join(realPath(above), basename(path));
  }
}
