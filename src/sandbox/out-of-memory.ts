/** Whether the kernel has killed somebody for lack of memory. Says that, and not whom: what it means for a program stands in `process-executor.ts`. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Processes that the kernel has killed for lack of memory, be it the machine's or a control group's: the difference of two calls says whether it did
 * in between. Counted are those of this process's own control group and of the groups below it, where that has a count of its own (version 2), as
 * what other tenants of the machine lack says nothing about a program here; else those of the whole machine. Null where neither is counted (before
 * Linux 4.13).
 *
 * @param root the folder in which `proc` and `sys` lie
 */
export function outOfMemoryKills(root = '/'): number | null {
  const group = /^0::(.*)$/m.exec(textOf(root, 'proc/self/cgroup'))?.[1];
  return (group === undefined ? null : killsIn(root, `sys/fs/cgroup${group}/memory.events`)) ?? killsIn(root, 'proc/vmstat');
}

function killsIn(root: string, file: string): number | null {
  const count = /^oom_kill (\d+)$/m.exec(textOf(root, file));
  return count === null ? null : Number(count[1]);
}

/** Empty where the file cannot be read. */
function textOf(root: string, file: string): string {
  try {
    return readFileSync(path.join(root, file), 'utf8');
  } catch {
    return '';
  }
}
