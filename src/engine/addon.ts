/**
 * Finds and loads the native addon, once per thread. The only place that names the file. When it cannot be loaded, the
 * error says every path that was tried, why each failed, and what to do.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { FaultlineError, reasonOf } from '../errors.js';
import type { Addon } from './addon-types.js';

const require = createRequire(import.meta.url);
const FILE = path.join('build', 'Release', 'faultline.node');

/** The package's root: the nearest folder above this file with a package.json, from src/ as from dist/. */
function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!fs.existsSync(path.join(folder, 'package.json'))) {
    const parent = path.dirname(folder);
    if (parent === folder) return process.cwd();
    folder = parent;
  }
  return folder;
}

/** Where the addon may be, in the order tried. `FAULTLINE_ADDON` comes first: whoever sets it means it. */
export function addonPaths(root: string = packageRoot(), override: string | undefined = process.env['FAULTLINE_ADDON']): string[] {
  return [...(override === undefined || override === '' ? [] : [path.resolve(override)]), path.join(root, FILE)];
}

/** Loads the first of `paths` that is there. Throws an `environment` FaultlineError when none can be loaded. */
export function loadAddonFrom(paths: readonly string[]): Addon {
  const tried: string[] = [];
  for (const file of paths) {
    try {
      return require(file) as Addon;
    } catch (error) {
      // Node's own message repeats the require stack over many lines: the first one has the reason.
      const reason = fs.existsSync(file) ? reasonOf(error).split('\n')[0]! : 'not there';
      tried.push(`${file} (${reason})`);
      // A file that was asked for and is broken must not be replaced by another one in silence.
      if (fs.existsSync(file)) break;
    }
  }
  throw new FaultlineError('environment', `the native engine cannot be loaded: ${tried.join('; ')}`, {
    hint: 'Build it with `npm rebuild faultline` (in a clone: `npm run build:native`); that needs a C++20 compiler and cmake 3.20.',
  });
}

let loaded: Addon | undefined;

/** The addon, loaded at the first call. Throws an `environment` FaultlineError. */
export function addon(): Addon {
  return (loaded ??= loadAddonFrom(addonPaths()));
}
