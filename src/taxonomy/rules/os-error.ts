/**
 * Limits and isolation in the disguise of an OSError, by the system's error number, not by the exception's class. What the judge has not already told
 * as a limit (fork, files, space) shows here. Decides nothing.
 *
 * Within the sandbox nothing is refused for the program's own sake: a permission that is denied is the system-call
 * filter's answer to socket, exec and the like, or the read-only root's.
 */
import type { ExceptionInfo } from '../../sandbox/verdict.js';
import { isA } from './rule.js';

/**
 * EPERM, EACCES, EROFS; EXDEV, as a file may not change its folder, or comes to the end of what can be written to; ENOTTY, the second tier's filter to
 * what controls a descriptor, and everybody's answer as there is no terminal; ENOSYS, the filter's answer to calls that it does not know; the resolver's
 * (EAI_...), which finds no network.
 */
const REFUSED: ReadonlySet<number> = new Set([1, 13, 18, 25, 30, 38, -2, -3, -5]);
const ENOMEM = 12;

/** Whether an operation was refused by the sandbox: by the filter with an error number, or by its read-only file system. */
export function isRefusal(exception: ExceptionInfo): boolean {
  const number = errorNumber(exception);
  // The older resolver (gethostbyaddr) counts in numbers of its own, which mean something else here.
  return number !== null && (REFUSED.has(number) || isA(exception, 'herror'));
}

/** Whether the system had no memory left, told by another exception than MemoryError. */
export function isOutOfMemory(exception: ExceptionInfo): boolean {
  return errorNumber(exception) === ENOMEM;
}

/**
 * The number that the system gave; null where it gave none. What the program raises by a statement of its own, or throws into a generator,
 * tells of nothing that the system did.
 */
function errorNumber(exception: ExceptionInfo): number | null {
  if (!isA(exception, 'OSError') || exception.node === 'raise') return null;
  if (exception.errno !== undefined && exception.errno !== 0) return exception.errno;
  // A library's own exception has no number, and quotes those of what it caught (urllib, shutil). So does the text of every verdict from
  // before there was `errno`.
  return exception.errno === undefined || exception.frames.at(-1)?.where === 'library' ? quotedNumber(exception) : null;
}

/** `[Errno 30] Read-only file system`; also within other words. */
function quotedNumber({ message }: ExceptionInfo): number | null {
  const found = /\[Errno (-?\d+)\]/.exec(message);
  return found === null ? null : Number(found[1]);
}
