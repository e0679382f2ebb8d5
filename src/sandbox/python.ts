/** Finds the Python interpreter that executes samples. Starts it only to ask where it lives. */
import { execFile } from 'node:child_process';
import { access, constants, realpath } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { FaultlineError, reasonOf } from '../errors.js';

/** An interpreter, resolved through shims, links and virtual environments. */
export interface Python {
  /** The real executable. */
  readonly path: string;
  /** Such as `3.11.7`. */
  readonly version: string;
  /** Files and folders that it needs, to be shown read-only inside the isolation. */
  readonly needs: readonly string[];
}

const OLDEST = [3, 9] as const;

/** Prints one JSON line. Old syntax and names on purpose: a Python that is too old, 2.7 included, must get as far as saying so. */
const QUESTION = `
import json, os, platform, sys, sysconfig
exe = getattr(sys, "_base_executable", None) or sys.executable
print(json.dumps({"path": os.path.realpath(exe), "version": list(sys.version_info[:3]), "prefixes":
  [getattr(sys, "base_prefix", sys.prefix), getattr(sys, "base_exec_prefix", sys.exec_prefix)],
  "stdlib": [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")], "implementation": platform.python_implementation().lower()}))
`;

interface Answer {
  readonly path: string;
  readonly version: readonly [number, number, number];
  readonly prefixes: readonly string[];
  readonly stdlib: readonly string[];
  readonly implementation: string;
}

/**
 * Resolves `wanted` (a path or a command name), or else the first usable `python3` of PATH and the usual places.
 * Throws a FaultlineError (`environment`) that says what was tried.
 */
export async function findPython(wanted?: string): Promise<Python> {
  const candidates = wanted === undefined ? await candidatesOfPath(['python3', 'python'], true) : await candidatesOf(wanted);
  const refusals: string[] = [];
  for (const candidate of candidates) {
    try {
      return await inspect(candidate);
    } catch (error) {
      refusals.push(`${candidate}: ${reasonOf(error)}`);
    }
  }
  const tried = refusals.length === 0 ? '' : ` (${refusals.join('; ')})`;
  throw new FaultlineError('environment', `no usable Python was found${wanted === undefined ? '' : ` as ${wanted}`}${tried}`, {
    hint: `Install Python ${OLDEST.join('.')} or newer (Debian and Ubuntu: apt install python3), or name one with --python.`,
  });
}

async function candidatesOf(wanted: string): Promise<string[]> {
  return wanted.includes('/') ? [path.resolve(wanted)] : candidatesOfPath([wanted], false);
}

async function candidatesOfPath(names: readonly string[], usualPlaces: boolean): Promise<string[]> {
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  if (usualPlaces) folders.push('/usr/bin', '/usr/local/bin');
  const found: string[] = [];
  for (const name of names) {
    for (const folder of folders) {
      const file = path.join(folder, name);
      if (found.includes(file)) continue;
      // Unreadable or missing: not a candidate.
      const usable = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (usable) found.push(file);
    }
  }
  return found;
}

async function inspect(file: string): Promise<Python> {
  // Not isolated (-I): a shim such as pyenv's passes arguments through, and finds its interpreter by the environment.
  const { stdout } = await promisify(execFile)(file, ['-S', '-c', QUESTION], { timeout: 20_000, cwd: '/' });
  const answer = JSON.parse(stdout) as Answer;
  const version = answer.version.join('.');
  if (answer.implementation !== 'cpython') throw new Error(`it is ${answer.implementation}, and CPython is needed`);
  if (answer.version[0] !== OLDEST[0] || answer.version[1] < OLDEST[1])
    throw new Error(`it is version ${version}, older than ${OLDEST.join('.')}`);
  return { path: answer.path, version, needs: await needsOf(answer) };
}

/** The libraries and the executable, not the whole prefix: that may be somebody's home. */
async function needsOf(answer: Answer): Promise<string[]> {
  const wanted = new Set<string>([answer.path]);
  for (const folder of answer.stdlib) wanted.add(folder);
  for (const prefix of answer.prefixes) {
    wanted.add(path.join(prefix, 'lib'));
    // Nix puts every library into a folder of its own.
    if (prefix.startsWith('/nix/store/')) wanted.add('/nix/store');
  }
  const existing = new Set<string>();
  for (const item of wanted) {
    const real = await realpath(item).catch(() => null);
    if (real === null) continue;
    existing.add(item);
    existing.add(real);
  }
  // Parents make their children superfluous.
  return [...existing].filter((item) => ![...existing].some((other) => other !== item && item.startsWith(`${other}/`))).sort();
}
