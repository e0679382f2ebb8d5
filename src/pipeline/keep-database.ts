/** What an output must not replace: the database that a command reads, and the files that belong to it. Opens neither. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { FaultlineError } from '../errors.js';
import { shardFolder } from '../store/database.js';

/** What SQLite puts beside a database, whether it is there at the moment or not. */
const COMPANIONS = ['', '-wal', '-shm', '-journal'];

/**
 * Refuses an output that is a database, what SQLite keeps beside it, or a place in its folder of tokens, by whatever path. Call it before
 * the output is opened.
 * @param hint the next step, such as `Give --output another name.`
 * @throws FaultlineError of kind `usage`
 */
export function keepDatabase(out: string, database: string, hint: string): void {
  const [target, kept] = [realPath(out), realPath(database)];
  const shards = realPath(shardFolder(database));
  const isPart = COMPANIONS.some((end) => target === kept + end) || target === shards || target.startsWith(shards + sep);
  if (!isPart) return;
  const what = target === kept ? 'is the database' : `belongs to the database ${database}`;
  throw new FaultlineError('usage', `${what} that this command reads, and would be replaced`, { place: { file: out }, hint });
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
