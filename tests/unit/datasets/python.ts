/** Asks CPython. Not a test. */
import { spawnSync } from 'node:child_process';

/** Runs a Python program that reads JSON from stdin and prints JSON. */
export function askPython(program: string, input: unknown): unknown {
  const run = spawnSync('python3', ['-I', '-c', program], { input: JSON.stringify(input), encoding: 'utf8', maxBuffer: 1 << 28 });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as unknown;
}
