/**
 * Errors about a value that turns out to be wrong only when it is used (a category that does not exist, a folder that is not
 * there): they say where the value came from, as the loader's own do. Checks nothing.
 */
import { FaultlineError } from '../errors.js';
import type { Config, Origin } from './load.js';
import type { ConfigKey } from './schema.js';

/** A `usage` error about an entry: at its place in the file, or under the name of the variable or flag that set it. */
export function entryError(origin: Origin | undefined, key: ConfigKey, reason: string, options: { hint: string }): FaultlineError {
  return new FaultlineError('usage', `${settingName(origin, key)}: ${reason}`, { ...options, place: placeOf(origin) });
}

/**
 * Runs `work`, which uses the value of `key` and no other that could be wrong. A `usage` or `input` error that names no
 * place, or only the value itself, gets the place that the value came from; any other error, and one about a default,
 * stays as it is.
 */
export async function atEntry<T>(config: Pick<Config, 'values' | 'origins'>, key: ConfigKey, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof FaultlineError) || (thrown.kind !== 'usage' && thrown.kind !== 'input')) throw thrown;
    const { file, line } = thrown.place;
    const origin = config.origins[key];
    if (origin.from === 'default' || line !== undefined || (file !== undefined && file !== config.values[key])) throw thrown;
    throw thrown.restated(`${settingName(origin, key)}: ${thrown.message}`, placeOf(origin));
  }
}

function settingName(origin: Origin | undefined, key: ConfigKey): string {
  if (origin?.from === 'flag') return origin.flag;
  return origin?.from === 'environment' ? origin.variable : key;
}

function placeOf(origin: Origin | undefined): FaultlineError['place'] {
  return origin?.from === 'file' ? origin.place : {};
}
