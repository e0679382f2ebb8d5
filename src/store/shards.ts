/**
 * Per-token arrays in safetensors files beside the database, so that PyTorch and NumPy read them without us and the
 * database stays small. A shard holds the arrays of one batch of samples, one sample after the other, as the tensors
 * `tokens` (int32), `logprobs` and `entropies` (float32), each of shape [tokens of the batch].
 *
 * Order of events, so that no row ever points at missing bytes: write under a temporary name, sync, rename, sync the
 * folder, then commit the row. A kill in between leaves a file without a row, which the next open for writing removes.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import type Database from 'better-sqlite3';
import { FaultlineError, reasonOf } from '../errors.js';
import { shardFolder } from './database.js';
import type { TokenArrays } from './types.js';

/** Names that this module gives; nothing else in the folder is ever removed. */
const SHARD_NAME = /^experiment-\d+-\d{6,}\.safetensors(\.partial)?$/;
/** Reading in order touches a shard once; a few more serve readers that go by problem over several strategies. */
const CACHED_SHARDS = 8;
const BYTES_PER_VALUE = 4;
/** Tensors start at a multiple of this, as the format recommends, so that readers can map them. */
const ALIGNMENT = 8;
const TENSORS = [
  { name: 'tokens', dtype: 'I32' },
  { name: 'logprobs', dtype: 'F32' },
  { name: 'entropies', dtype: 'F32' },
] as const;

/** A file that is on disk and waits for its row. */
export interface WrittenShard {
  readonly file: string;
  readonly tokenCount: number;
  readonly byteSize: number;
  readonly sha256: string;
}

interface ShardRow {
  file: string;
  tokenCount: number;
  sha256: string;
}

export class Shards {
  readonly #folder: string;
  readonly #nextNumber;
  readonly #insert;
  readonly #byId;
  readonly #files;
  readonly #cache = new Map<number, TokenArrays>();

  constructor(database: Database.Database, file: string) {
    this.#folder = shardFolder(file);
    this.#nextNumber = database.prepare<[], number>('SELECT coalesce(max(id), 0) + 1 FROM shards').pluck();
    this.#insert = database.prepare<[number, string, number, number, string]>(
      'INSERT INTO shards (experiment_id, file, token_count, byte_size, sha256) VALUES (?, ?, ?, ?, ?)',
    );
    this.#byId = database.prepare<[number], ShardRow>('SELECT file, token_count AS tokenCount, sha256 FROM shards WHERE id = ?');
    this.#files = database.prepare<[], string>('SELECT file FROM shards').pluck();
  }

  /** Puts a batch on disk. The caller commits it with {@link commit}, or takes it back with {@link discard}. */
  write(experimentId: number, batch: readonly TokenArrays[]): WrittenShard {
    const file = `experiment-${experimentId}-${String(this.#nextNumber.get()!).padStart(6, '0')}.safetensors`;
    const tokenCount = batch.reduce((sum, arrays) => sum + arrays.tokens.length, 0);
    const bytes = encode(batch, tokenCount);
    const target = path.join(this.#folder, file);
    const partial = `${target}.partial`;
    try {
      const handle = openSync(partial, 'w');
      try {
        let done = 0;
        while (done < bytes.length) done += writeSync(handle, bytes, done);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(partial, target);
      this.#syncFolder();
    } catch (thrown) {
      rmSync(partial, { force: true });
      throw thrown;
    }
    return { file, tokenCount, byteSize: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  }

  /** Records a written shard; returns its id. Called inside the transaction that records its samples. */
  commit(experimentId: number, shard: WrittenShard): number {
    const { lastInsertRowid } = this.#insert.run(experimentId, shard.file, shard.tokenCount, shard.byteSize, shard.sha256);
    return Number(lastInsertRowid);
  }

  /** Removes a written shard whose transaction failed. */
  discard(shard: WrittenShard): void {
    rmSync(path.join(this.#folder, shard.file), { force: true });
  }

  /** Copies the values [offset, offset + length) out of a shard. Throws `input` where the file is missing or damaged. */
  read(shardId: number, offset: number, length: number): TokenArrays {
    const arrays = this.#load(shardId);
    const end = offset + length;
    if (end > arrays.tokens.length) {
      throw new FaultlineError('input', `shard ${shardId} ends before the sample's last token`, { place: { file: this.#folder } });
    }
    return {
      tokens: arrays.tokens.slice(offset, end),
      logprobs: arrays.logprobs.slice(offset, end),
      entropies: arrays.entropies.slice(offset, end),
    };
  }

  /** Removes shards that no row names: what a killed or failed write left behind. */
  removeOrphans(): void {
    if (!existsSync(this.#folder)) return;
    const known = new Set(this.#files.all());
    for (const name of readdirSync(this.#folder)) {
      if (SHARD_NAME.test(name) && !known.has(name)) rmSync(path.join(this.#folder, name), { force: true });
    }
  }

  #load(shardId: number): TokenArrays {
    const cached = this.#cache.get(shardId);
    if (cached !== undefined) return cached;
    const row = this.#byId.get(shardId);
    if (row === undefined) throw new FaultlineError('input', `the database has no shard ${shardId}`, { place: { file: this.#folder } });
    const file = path.join(this.#folder, row.file);
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch (thrown) {
      throw new FaultlineError('input', `the token arrays cannot be read: ${reasonOf(thrown)}`, {
        place: { file },
        hint: 'Keep the .shards folder beside its database when you move it.',
        cause: thrown,
      });
    }
    // The checksum was taken when the file was written, so that what passes it also has the layout that encode() gives.
    if (createHash('sha256').update(bytes).digest('hex') !== row.sha256) {
      throw new FaultlineError('input', 'the token arrays are damaged: the checksum differs from the one in the database', {
        place: { file },
        hint: 'Restore the file from a copy, or generate into a new database.',
      });
    }
    const arrays = decode(bytes, row.tokenCount);
    this.#cache.set(shardId, arrays);
    if (this.#cache.size > CACHED_SHARDS) this.#cache.delete(this.#cache.keys().next().value!);
    return arrays;
  }

  /** Makes the rename itself durable. Windows has no such call and needs none. */
  #syncFolder(): void {
    if (process.platform === 'win32') return;
    const handle = openSync(this.#folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
}

/** The safetensors layout: 8 bytes of header length, JSON header padded with spaces, tensors. Little-endian, as are all hosts of Node. */
function encode(batch: readonly TokenArrays[], tokenCount: number): Buffer {
  const tensorBytes = tokenCount * BYTES_PER_VALUE;
  const header: Record<string, unknown> = { __metadata__: { format: 'faultline.tokens.1' } };
  TENSORS.forEach(({ name, dtype }, i) => {
    header[name] = { dtype, shape: [tokenCount], data_offsets: [i * tensorBytes, (i + 1) * tensorBytes] };
  });
  const json = JSON.stringify(header);
  const headerBytes = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const bytes = Buffer.alloc(8 + headerBytes + TENSORS.length * tensorBytes);
  bytes.writeBigUInt64LE(BigInt(headerBytes), 0);
  bytes.write(json.padEnd(headerBytes, ' '), 8, 'latin1');
  TENSORS.forEach(({ name }, i) => {
    let at = 8 + headerBytes + i * tensorBytes;
    for (const arrays of batch) {
      const values = arrays[name];
      bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
      at += values.byteLength;
    }
  });
  return bytes;
}

function decode(bytes: Buffer, tokenCount: number): TokenArrays {
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const tensorBytes = tokenCount * BYTES_PER_VALUE;
  // Copied, because a Buffer from the pool need not start at a multiple of four.
  const tensor = (i: number): ArrayBuffer => {
    const copy = new ArrayBuffer(tensorBytes);
    new Uint8Array(copy).set(bytes.subarray(start + i * tensorBytes, start + (i + 1) * tensorBytes));
    return copy;
  };
  return { tokens: new Int32Array(tensor(0)), logprobs: new Float32Array(tensor(1)), entropies: new Float32Array(tensor(2)) };
}
