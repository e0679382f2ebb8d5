/**
 * The room that programs have for their files, and the disk that may lack it. In tier `namespaces` they write to memory of their own; in tier
 * `landlock` to a folder on a disk, whose use by one program the zygote measures.
 */
import { statfsSync } from 'node:fs';
import os from 'node:os';
import { FaultlineError } from '../errors.js';
import type { Limits } from './executor.js';
import type { IsolationTier, Verdict } from './verdict.js';

/** Size of the folder that candidates may write to; a file system has at least a page. */
export function scratchBytes(limits: Limits): number {
  return Math.max(4096, limits.fileBytes);
}

/** Whether programs find less room for their files than they may fill. One program alone cannot bring that about. */
export function diskIsFull(tier: IsolationTier, limits: Limits): boolean {
  if (tier !== 'landlock') return false;
  try {
    const { bavail, bsize, ffree, files } = statfsSync(os.tmpdir());
    // Some file systems count no files.
    return bavail * bsize < scratchBytes(limits) || (files > 0 && ffree === 0);
  } catch {
    return false; // the folder is gone: the next worker's start says so
  }
}

/** Whether a write failed for lack of space, by the program's own account. */
export function metFullDisk({ outcome }: Verdict): boolean {
  return outcome.status === 'limit' && outcome.resource === 'files' && /^\[Errno (28|122)\]/.test(outcome.exception?.message ?? '');
}

export function fullDisk(): FaultlineError {
  return new FaultlineError('infrastructure', `programs have no room for their files, as ${os.tmpdir()} is full`, {
    hint: 'Free some space where temporary files go, or name another folder in TMPDIR; then start the same command again to resume.',
  });
}
