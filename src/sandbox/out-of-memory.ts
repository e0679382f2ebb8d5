/** Whether the kernel has killed somebody for lack of memory. Says that, and not whom: what it means for a program stands in `process-executor.ts`. */
import { readFileSync } from 'node:fs';

/**
 * Processes that the kernel has killed for lack of memory since the machine started, be it the machine's or that of a control group, of either
 * version: the difference of two calls says whether it did in between. Null where it does not count them (before Linux 4.13).
 */
export function outOfMemoryKills(): number | null {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'));
    return count === null ? null : Number(count[1]);
  } catch {
    return null;
  }
}
