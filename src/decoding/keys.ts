/**
 * The key of a task's random numbers. It depends on the experiment's seed and the task's id alone, so that a subset, a
 * shard or another order of problems draws the same numbers for the same sample.
 *
 *     key = seed XOR hash(task_id)        hash = the first 8 bytes of SHA-256 of its UTF-8 text, big-endian
 *
 * A cryptographic hash rather than FNV: ids that differ in one digit must not give keys that differ in a few bits, and
 * any language can compute it in a line (Python: `int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big")`).
 * The engine receives the finished key and computes none of this.
 */
import { createHash } from 'node:crypto';
import { FaultlineError } from '../errors.js';

const SEED_MAX = 2n ** 64n - 1n;

/** The 64-bit hash of a task's id. */
export function taskHash(taskId: string): bigint {
  return createHash('sha256').update(taskId, 'utf8').digest().readBigUInt64BE(0);
}

/** The Philox key of a task under a seed, both of 64 bits. */
export function sampleKey(seed: bigint, taskId: string): bigint {
  return seed ^ taskHash(taskId);
}

/** A seed as a 64-bit number; `usage` error for anything that is none. */
export function checkedSeed(seed: bigint | number): bigint {
  if (typeof seed === 'bigint' ? seed >= 0n && seed <= SEED_MAX : Number.isSafeInteger(seed) && seed >= 0) return BigInt(seed);
  throw new FaultlineError('usage', `seed is ${seed}, expected a whole number from 0 to ${SEED_MAX}`, {
    hint:
      typeof seed === 'number' && seed > 0
        ? 'Give seeds above 2^53 as a bigint: a number has lost their last digits.'
        : 'Give another seed.',
  });
}
