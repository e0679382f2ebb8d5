/** Making folders for outputs. Holds no path of its own, and words no error: callers know what the folder is for. */
import { existsSync, mkdirSync, statSync } from 'node:fs';
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
