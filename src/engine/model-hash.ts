/** The hash that identifies a model's weights in every output. Reads files, loads nothing. */
import { createHash, type Hash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { FaultlineError, reasonOf } from '../errors.js';
import { ggufFileOf } from '../gguf.js';

const CHUNK = 1 << 20;

/** The name that stands for a GGUF file in its hash, so that renaming the file does not make it another model. */
const GGUF = 'gguf';

/** What decides a model's numbers, sorted by name: its GGUF file, or config.json and the weight files of its folder. */
function modelFiles(model: string): { name: string; file: string }[] {
  const gguf = ggufFileOf(model);
  if (gguf !== null) return [{ name: GGUF, file: gguf }];
  return filesOfFolder(model).map((name) => ({ name, file: path.join(model, name) }));
}

function filesOfFolder(folder: string): string[] {
  const index = path.join(folder, 'model.safetensors.index.json');
  const stats = fs.statSync(index, { throwIfNoEntry: false });
  if (fs.existsSync(path.join(folder, 'model.safetensors')) || stats === undefined) return ['config.json', 'model.safetensors'];
  if (!stats.isFile()) throw new FaultlineError('input', 'is not a regular file', { place: { file: index } });
  const map = (JSON.parse(fs.readFileSync(index, 'utf8')) as { weight_map?: Record<string, string> }).weight_map ?? {};
  const shards = [...new Set(Object.values(map))].sort();
  // The engine refuses such an index too, but it does so while this is already reading.
  for (const shard of shards)
    if (path.basename(shard) !== shard) throw new FaultlineError('input', `${shard} is not a plain file name`, { place: { file: index } });
  return ['config.json', ...shards];
}

/**
 * Reads into one of two buffers while the other is hashed. A stream takes a new buffer for every chunk, whose pages the kernel has to
 * find and clear first, while the engine asks it for the packed weights' (benchmarks/README.md).
 */
async function hashAll(handle: fs.promises.FileHandle, hash: Hash): Promise<void> {
  let [current, other] = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)];
  let reading = handle.read(current);
  for (;;) {
    const { bytesRead } = await reading;
    if (bytesRead === 0) return;
    reading = handle.read(other);
    hash.update(current.subarray(0, bytesRead));
    [current, other] = [other, current];
  }
}

/**
 * SHA-256, in hexadecimal, over each file's name, size and bytes. `model` is a folder or a GGUF file. Reads a mebibyte at a
 * time, so that the event loop is never held longer than hashing one takes. Throws an `input` FaultlineError that names the
 * file.
 */
export async function modelHash(model: string): Promise<string> {
  const hash = createHash('sha256');
  for (const { name, file } of modelFiles(model)) {
    try {
      // A device or a pipe would be read for ever. Looked at before it is opened: opening a pipe waits for its writer.
      const stats = await fs.promises.stat(file);
      if (!stats.isFile()) throw new Error('is not a regular file');
      const handle = await fs.promises.open(file);
      try {
        hash.update(`${name}\0${stats.size}\0`);
        await hashAll(handle, hash);
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw new FaultlineError('input', reasonOf(error), { place: { file }, cause: error });
    }
  }
  return hash.digest('hex');
}
