/** Where faultline keeps what it downloads, and where its bundled data stands. Paths only: nothing is created here. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's `data` folder; the same from `src` and from `dist`. */
export const bundledData: string = fileURLToPath(new URL('../../data', import.meta.url));

/**
 * The cache folder: `given`, else `$FAULTLINE_HOME`, else `$XDG_CACHE_HOME/faultline`, else `~/.cache/faultline`.
 * Datasets lie in `datasets/`, models in `models/<owner>/<name>/`.
 */
export function dataHome(given?: string): string {
  const { FAULTLINE_HOME: own, XDG_CACHE_HOME: cache } = process.env;
  if (given !== undefined && given !== '') return given;
  if (own !== undefined && own !== '') return own;
  return join(cache !== undefined && cache !== '' ? cache : join(homedir(), '.cache'), 'faultline');
}
