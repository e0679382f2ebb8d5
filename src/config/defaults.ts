/** The values that hold where nobody said otherwise, read from the table in `schema.ts`. */
import { ENTRIES, KEYS, type ConfigValues } from './schema.js';

/** Every entry at its default. */
export function defaultValues(): ConfigValues {
  // The table pairs every key with its own type, which a loop over the keys cannot show to the compiler.
  return Object.fromEntries(KEYS.map((key) => [key, ENTRIES[key].default])) as unknown as ConfigValues;
}
