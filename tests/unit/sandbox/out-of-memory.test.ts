/** The kernel's counts of processes killed for lack of memory, as it writes them down with control groups of either version. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { outOfMemoryKills } from '../../../src/sandbox/out-of-memory.js';

const VMSTAT = 'nr_free_pages 12\noom_kill 7\npgfault 9\n';
const EVENTS = 'low 0\nhigh 0\nmax 4\noom 5\noom_kill 2\noom_group_kill 1\n';

const root = mkdtempSync(path.join(os.tmpdir(), 'faultline-kills-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A machine with these files under its root. */
function machine(name: string, files: Readonly<Record<string, string>>): string {
  for (const [file, text] of Object.entries(files)) {
    const place = path.join(root, name, file);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, text);
  }
  return path.join(root, name);
}

describe('kills for lack of memory', () => {
  it.each([
    ['the own group, not the machine', { 'proc/self/cgroup': '0::/a/b\n', 'sys/fs/cgroup/a/b/memory.events': EVENTS }, 2],
    ['the container, which is its own root', { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.events': EVENTS }, 2],
    ['the machine, whose root group has no count', { 'proc/self/cgroup': '0::/\n' }, 7],
    ['the machine, as the group is not in sight', { 'proc/self/cgroup': '0::/../c\n', 'sys/fs/cgroup/memory.events': EVENTS }, 7],
    ['the machine, as version 1 counts the memory', { 'proc/self/cgroup': '4:memory:/a\n1:cpu:/a\n0::/a\n' }, 7],
    ['the machine, as all groups are of version 1', { 'proc/self/cgroup': '4:memory:/a\n', 'sys/fs/cgroup/a/memory.events': EVENTS }, 7],
    ['the machine, as the group’s file lacks the line', { 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/a/memory.events': 'oom 5\n' }, 7],
    ['the machine, as groups are unknown', {}, 7],
  ] as const)('are those of %s', (name, files, kills) => {
    expect(outOfMemoryKills(machine(name, { 'proc/vmstat': VMSTAT, ...files }))).toBe(kills);
  });

  it('are unknown where the kernel does not count them, or does not show it', () => {
    expect(outOfMemoryKills(machine('old', { 'proc/self/cgroup': '0::/\n', 'proc/vmstat': 'pgfault 9\noom_kills 3\n' }))).toBeNull();
    expect(outOfMemoryKills(path.join(root, 'nothing'))).toBeNull();
  });

  it('can be counted here', () => {
    expect(outOfMemoryKills()).toBeGreaterThanOrEqual(0);
  });
});
