/** Where things that come with the package are. The compiled file stands in `dist/pipeline/`, the source in `src/pipeline/`. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FaultlineError, nearest } from '../errors.js';

/** The config that `run` uses when it is given none. */
export function bundledConfig(): string {
  return fileURLToPath(new URL('../../faultline.yaml', import.meta.url));
}

const READY = fileURLToPath(new URL('../../configs', import.meta.url));
const EXTENSION = '.yaml';

/** The names of the ready configs, one file each in `configs/`; sorted. */
export function readyConfigs(): string[] {
  return readdirSync(READY)
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length))
    .sort();
}

/**
 * The file behind what a user gave as a config: a file's path, or the name of a ready one; a file of that name comes first. Throws
 * `input` for a word that is neither. A path that does not exist is returned as it is, for the loader to say so.
 */
export function configFile(given: string): string {
  if (statSync(given, { throwIfNoEntry: false })?.isFile() === true || !/^[\w-]+$/.test(given)) return given;
  const ready = readyConfigs();
  if (ready.includes(given)) return join(READY, given + EXTENSION);
  const near = nearest(given, ready);
  throw new FaultlineError('input', 'no such file, and no ready config of that name', {
    place: { file: given },
    hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `Give the path of a YAML file, or one of ${ready.join(', ')}.`,
  });
}

/** faultline's version, recorded with every experiment. */
export function version(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
