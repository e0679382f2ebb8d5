/**
 * Runs the command line as a user would: `bin/faultline.js` in a process of its own, against the compiled code. Builds
 * `dist/` first when the sources are newer; the addon and the launcher must be built already (`npm run build:native`).
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const shared = path.join(root, '..', 'shared');
export const picoModel = path.join(root, 'data', 'models', 'pico-gpt2-py');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A folder that goes away with the test file. */
export function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'faultline-test-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export function writeLines(file: string, rows: readonly unknown[]): string {
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

export function readLines(file: string): Record<string, unknown>[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Runs a command to its end, with `input` as its standard input. Throws only if it could not be started. */
export async function faultline(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<Finished> {
  const child = start(args, options);
  child.stdin?.end(options.input);
  return finished(child);
}

/** Starts a command, for tests that interrupt it. Its standard input is empty, or with `input` a pipe that the caller ends. */
export function start(args: readonly string[], options: { cwd?: string; env?: Record<string, string>; input?: string } = {}): ChildProcess {
  build();
  return spawn(process.execPath, [path.join(root, 'bin', 'faultline.js'), ...args], {
    cwd: options.cwd ?? root,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
}

export async function finished(child: ChildProcess): Promise<Finished> {
  let out = '';
  let err = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, out, err });
    });
  });
}

/** Waits until something is so while `child` runs; gives up with an error, not with a wrong result. */
export async function until(what: string, child: ChildProcess, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 6000; tries++) {
    if (holds()) return;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the command ended before ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`waited in vain until ${what}`);
}

let built = false;
/** Not the compiler's own record, which type checks without output touch too. */
const stampFile = path.join(root, 'dist', '.built-for-tests');

/** Compiles `src/` when `dist/` is older. Test files run side by side: one builds, the others wait. */
export function build(): void {
  if (built) return;
  const lock = path.join(tmpdir(), `faultline-build-${statSync(root).ino}.lock`);
  for (;;) {
    if (!stale()) break;
    try {
      mkdirSync(lock);
    } catch {
      if (Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > 300_000) rmdirSync(lock);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
      continue;
    }
    try {
      if (stale()) {
        const run = spawnSync(process.execPath, [path.join(root, 'src', 'build.mjs')], { cwd: root, encoding: 'utf8' });
        if (run.status !== 0) throw new Error(`the build failed:\n${run.stdout}${run.stderr}`);
        writeFileSync(stampFile, '');
      }
    } finally {
      rmdirSync(lock);
    }
    break;
  }
  built = true;
}

function stale(): boolean {
  const stamp = statSync(stampFile, { throwIfNoEntry: false });
  if (stamp === undefined) return true;
  const source = path.join(root, 'src');
  return readdirSync(source, { recursive: true, encoding: 'utf8' }).some((file) => {
    const { mtimeMs } = statSync(path.join(source, file));
    return /\.(ts|py|sql)$/.test(file) && mtimeMs > stamp.mtimeMs;
  });
}
