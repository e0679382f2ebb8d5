/** What processes there are below this one, read from /proc: how the tests know that nothing was left behind. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** A candidate leads a session of its own, which the zygote's other fork, the one that compiles its scripts, does not. */
  readonly session: number;
  readonly state: string;
  /** Tells a process from a later one with the same number. */
  readonly started: string;
  readonly command: string;
}

/** Every process of the system that can be read. */
export function allProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const [parent, session] = [Number(fields[1]), Number(fields[3])];
        return [{ pid: Number(name), parent, session, state: fields[0]!, started: fields[19]!, command }];
      } catch {
        return []; // it has just ended
      }
    });
}

/** Children, their children and so on, without zombies. */
export function descendants(of: number = process.pid): ProcessInfo[] {
  const all = allProcesses().filter(({ state }) => state !== 'Z');
  const found: ProcessInfo[] = [];
  let level = [of];
  while (level.length > 0) {
    const next = all.filter(({ parent }) => level.includes(parent));
    found.push(...next);
    level = next.map(({ pid }) => pid);
  }
  return found;
}

/** Those of `processes` that still run. */
export function survivors(processes: readonly ProcessInfo[]): ProcessInfo[] {
  const now = allProcesses();
  return processes.filter((old) => now.some(({ pid, started, state }) => pid === old.pid && started === old.started && state !== 'Z'));
}

/** Repeats `check` until it holds; after half a minute, which only a bug takes, rejects with its last complaint. */
export async function eventually(check: () => void): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      check();
      return;
    } catch (error) {
      if (attempt === 600) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Resolves once none of `processes` runs. */
export function gone(processes: readonly ProcessInfo[]): Promise<void> {
  return eventually(() => {
    const left = survivors(processes).map(({ pid, command }) => `${pid} ${command}`);
    if (left.length > 0) throw new Error(`still running: ${left.join(', ')}`);
  });
}
