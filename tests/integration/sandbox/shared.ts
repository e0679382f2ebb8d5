/** The datasets that tests use where they stand beside the checkout. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const SHARED = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../../shared');

/** The path of a file below `shared`, or null where it is not there. */
export function sharedFile(name: string): string | null {
  const file = path.join(SHARED, name);
  return existsSync(file) ? file : null;
}

/** The lines of a JSONL file below `shared`, or null where it is not there. */
export function sharedLines(name: string): unknown[] | null {
  const file = sharedFile(name);
  if (file === null) return null;
  const bytes = readFileSync(file);
  const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
