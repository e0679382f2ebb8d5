/** What programs could leave behind on the machine and in a sandbox, read from the kernel's own lists. Needs nothing of the sandbox. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { descendants } from './processes.js';

/** What the machine holds that a program could have made. Only what is not root's own counts among files: others work here, too. */
export interface MachineState {
  readonly mounts: readonly string[];
  readonly files: readonly string[];
  /** Unix sockets with a name. */
  readonly sockets: readonly string[];
  /** Keys of System V shared memory, semaphores and message queues. */
  readonly segments: readonly string[];
  readonly sharedMemoryBytes: number;
}

const SHARED_FOLDERS = [...new Set([os.tmpdir(), '/tmp', '/var/tmp', '/dev/shm', '/dev/mqueue'])];

export function machineState(): MachineState {
  const kilobytes = Number(/^Shmem:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))![1]);
  return {
    mounts: lines('/proc/self/mounts'),
    files: SHARED_FOLDERS.flatMap(strangersFiles),
    sockets: lines('/proc/net/unix').flatMap((line) => line.trim().split(/\s+/)[7] ?? []),
    segments: ['shm', 'sem', 'msg'].flatMap((kind) => lines(`/proc/sysvipc/${kind}`).slice(1)),
    sharedMemoryBytes: kilobytes * 1024,
  };
}

/** What `after` has and `before` had not. */
export function newcomers(before: MachineState, after: MachineState): string[] {
  return (['mounts', 'files', 'sockets', 'segments'] as const).flatMap((what) =>
    after[what].filter((item) => !before[what].includes(item)).map((item) => `${what}: ${item}`),
  );
}

/** One worker from outside. */
export interface SandboxState {
  /** Command and number of open descriptors of each process, sorted. */
  readonly processes: readonly string[];
  /** Of the folder that candidates may write to: names, and blocks in use by whatever. */
  readonly scratch: readonly string[];
  readonly scratchBlocks: number;
  readonly mounts: number;
}

/** The state of the one worker that runs below this process. Only root can look inside. Throws where a process has just ended. */
export function sandboxState(tier: 'namespaces' | 'landlock'): SandboxState {
  const processes = descendants();
  const zygote = processes.find(({ command }) => command.includes('zygote.py'));
  if (zygote === undefined) throw new Error('there is no zygote');
  // In tier landlock it is a folder of the host's file system, where others use blocks, too.
  const scratch = `/proc/${zygote.pid}/cwd`;
  const { blocks, bfree } = tier === 'landlock' ? { blocks: 0, bfree: 0 } : statfsSync(scratch);
  return {
    processes: processes
      .map(({ pid, command }) => `${/(launcher|\w+\.py)(?= |$)/.exec(command)?.[1] ?? command}: ${descriptors(pid)}`)
      .sort(),
    scratch: readdirSync(scratch),
    scratchBlocks: blocks - bfree,
    mounts: lines(`/proc/${zygote.pid}/mounts`).length,
  };
}

/** Resident bytes of all processes below this one, shared pages counted in each. One that has just ended counts nothing. */
export function residentBytes(): number {
  return descendants().reduce(
    (sum, { pid }) => sum + 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(lines(`/proc/${pid}/status`).join('\n'))?.[1] ?? 0),
    0,
  );
}

/** Kinds of the open descriptors of a process, with their numbers, but not those of inodes or the random part of a folder's name. */
function descriptors(pid: number): string {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder)
    .map((name) => `${name} ${readlinkSync(path.join(folder, name)).replace(/(?<=faultline-sandbox-)\w+|\d+/g, '')}`)
    .sort()
    .join(', ');
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch (error) {
    // A kernel without System V objects has no list of them.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function strangersFiles(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names.map((name) => path.join(folder, name)).filter((file) => (isPrivateFolder(file) ? isDeserted(file) : isStrangers(file)));
}

/** Launchers of other test files may run, too: their folders of tier landlock are no leftovers. */
function isPrivateFolder(file: string): boolean {
  return path.basename(file).startsWith('faultline-sandbox-');
}

/** Whether no launcher holds the lock of its folder. */
function isDeserted(folder: string): boolean {
  return spawnSync('flock', ['--nonblock', folder, 'true']).status === 0;
}

function isStrangers(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.uid ?? 0) !== 0;
}
