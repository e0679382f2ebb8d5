/** Where outputs go: making their folders, and what may be replaced. Holds no path of its own, and words no error: callers know what the output is. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it, as far as they are missing. Throws the file system's own error.
 *
 * Not Node's recursive mkdir: where a folder is there and yet refuses an entry with ENOENT, as `/proc` does, Node 20
 * tries for ever, deaf to signals.
 */
export function makeFolders(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    const above = dirname(folder);
    if (code !== 'ENOENT' || above === folder || existsSync(above)) throw thrown;
    makeFolders(above);
    makeFolders(folder);
  }
}

/**
 * The file that an output appears as when it is renamed into place. `path` is the one behind a link, so that the link stays.
 * Not `replaceable` is whatever is there and no regular file: as root, renaming over `/dev/null` would replace the device.
 */
export async function outputTarget(name: string): Promise<{ readonly path: string; readonly replaceable: boolean }> {
  const path = await realpath(name).catch(() => name);
  const there = await stat(path).catch(() => null);
  return { path, replaceable: there === null || there.isFile() };
}
