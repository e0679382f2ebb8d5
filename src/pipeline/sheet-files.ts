/** Sheets, keys and codebooks on disk: read whole, and written whole or not at all. Knows nothing of what is in them. */
import { readFile } from 'node:fs/promises';
import { AtomicFile } from '../datasets/atomic-file.js';
import { FaultlineError, reasonOf } from '../errors.js';

/** The text of a file, null where there is none. Throws `input` where it cannot be read or is no UTF-8. */
export async function readIfThere(file: string): Promise<string | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return null;
    throw new FaultlineError('input', `cannot be read: ${reasonOf(thrown)}`, {
      place: { file },
      hint: 'Give a file that you may read.',
      cause: thrown,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (thrown) {
    throw new FaultlineError('input', 'is not UTF-8', { place: { file }, hint: 'Save it as CSV in UTF-8.', cause: thrown });
  }
}

/** The text of a file that must be there. */
export async function readWhole(file: string): Promise<string> {
  const text = await readIfThere(file);
  if (text !== null) return text;
  throw new FaultlineError('input', 'no such file', { place: { file }, hint: '`faultline annotate draw` makes sheet and key.' });
}

export async function writeWhole(name: string, text: string): Promise<void> {
  const file = await AtomicFile.open(name);
  try {
    await file.write(text);
    await file.commit();
  } finally {
    await file.abort();
  }
}
