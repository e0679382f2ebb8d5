/** Writes float32 arrays as a safetensors file that appears whole or not at all. Reading is the native engine's. */
import fs from 'node:fs';
import path from 'node:path';
import { FaultlineError, reasonOf } from '../errors.js';
import { outputTarget } from '../folders.js';
import type { ActivationArray } from './types.js';

/** The reference implementation aligns the data to 8 bytes by padding the header with spaces. */
const ALIGNMENT = 8;

/**
 * Writes exactly these tensors, in this order. The bytes go to a temporary file beside `out`, are synced, and take
 * its name last. Throws an `output` FaultlineError that names the file; nothing is left behind then.
 */
export async function writeSafetensors(out: string, tensors: ReadonlyMap<string, ActivationArray>): Promise<void> {
  const header: Record<string, { dtype: 'F32'; shape: readonly number[]; data_offsets: [number, number] }> = {};
  let end = 0;
  for (const [name, { shape, data }] of tensors) {
    if (name === '__metadata__') throw new FaultlineError('usage', 'a tensor cannot be called __metadata__');
    const elements = shape.reduce((product, extent) => product * extent, 1);
    if (elements !== data.length)
      throw new FaultlineError('internal', `tensor ${name}: ${data.length} values for shape [${shape.join(', ')}]`);
    header[name] = { dtype: 'F32', shape, data_offsets: [end, (end += data.byteLength)] };
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  const padded = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const head = Buffer.alloc(8 + padded, ' ');
  head.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(head, 8);

  const { path: file, replaceable } = await outputTarget(out);
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.partial`);
  try {
    if (!replaceable) throw new Error('it is there, and not a regular file');
    const handle = await fs.promises.open(temporary, 'w');
    try {
      await writeAll(handle, head);
      for (const { data } of tensors.values()) await writeAll(handle, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.promises.rename(temporary, file);
  } catch (error) {
    await fs.promises.rm(temporary, { force: true });
    throw new FaultlineError('output', `cannot be written: ${reasonOf(error)}`, {
      place: { file },
      hint: 'Check that the folder exists, is writable and has room.',
      cause: error,
    });
  }
}

/** One write call may take a part only (on Linux at most 2 GiB). */
async function writeAll(handle: fs.promises.FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done);
    done += bytesWritten;
  }
}
