/** Finds and starts faultline-launcher, the small native program that builds the isolation. Knows no jobs and no verdicts. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FaultlineError, reasonOf } from '../errors.js';
import type { Python } from './python.js';
import type { IsolationTier } from './verdict.js';

/** A running launcher. Closing `lifeline` kills everything that it started; so does the end of this process, however it comes. */
export interface Launched {
  readonly process: ChildProcess;
  readonly jobs: Writable;
  readonly results: Readable;
  readonly diagnostics: Readable;
  readonly lifeline: Writable;
}

/** `src/sandbox` and `dist/sandbox` lie equally deep, so this holds for both. */
const HERE = path.dirname(fileURLToPath(import.meta.url));

/** The folder with `judge.py` and `zygote.py`. */
export const SCRIPTS = path.join(HERE, 'python');

/** The launcher's path. FAULTLINE_LAUNCHER names another one. Throws a FaultlineError (`environment`) where there is none. */
export function findLauncher(): string {
  const given = process.env['FAULTLINE_LAUNCHER'];
  const file = given ?? path.resolve(HERE, '../../build/Release/faultline-launcher');
  try {
    accessSync(file, constants.X_OK);
  } catch {
    throw new FaultlineError('environment', `the sandbox launcher is missing: ${file}`, {
      hint:
        given === undefined
          ? 'Build it with `npm run build` (a C++ compiler, cmake and Linux are needed).'
          : 'FAULTLINE_LAUNCHER points to nothing executable; unset or correct it.',
    });
  }
  return file;
}

export interface LaunchOptions {
  /** PYTHONHASHSEED of the interpreter that runs the candidates; default: 0. */
  readonly hashSeed?: number;
  /** The one core that everything runs on, by its place among those that this process may use; default: all of them. */
  readonly core?: number;
}

/** Starts a launcher. Whether the isolation holds shows when its judge says that it is ready. */
export function launch(python: Python, tier: IsolationTier, scratchBytes: number, { hashSeed = 0, core }: LaunchOptions): Launched {
  const needs = python.needs.flatMap((item) => ['--read-only', item]);
  const child = spawn(
    findLauncher(),
    [
      ...['--tier', tier, '--python', python.path, '--scripts', SCRIPTS],
      ...[
        '--scratch-bytes',
        String(scratchBytes),
        '--scratch-parent',
        path.resolve(os.tmpdir()),
        '--hash-seed',
        String(hashSeed),
        ...(core === undefined ? [] : ['--core', String(core)]),
        ...needs,
      ],
    ],
    // A process group of its own, so that a terminal's Ctrl-C reaches the command line alone.
    { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], env: {}, cwd: '/', detached: true },
  );
  const [jobs, results, diagnostics, lifeline] = child.stdio;
  const launched: Launched = {
    process: child,
    jobs: jobs,
    results: results,
    diagnostics: diagnostics,
    lifeline: lifeline as Writable,
  };
  // A worker that ends breaks its pipes; its end is reported by `exit`.
  launched.jobs.on('error', () => undefined);
  launched.lifeline.on('error', () => undefined);
  return launched;
}

/** How the launcher said that one of its two processes ended. */
export interface CompartmentEnd {
  readonly compartment: 'judge' | 'zygote';
  readonly by: 'exit' | 'signal';
  readonly number: number;
}

/** Reads the launcher's last line about a process that ended by itself; null where there is none. */
export function parseEnd(diagnostics: string): CompartmentEnd | null {
  const match = /^faultline-launcher: (judge|zygote) ended: (exit|signal) (\d+)$/m.exec(diagnostics);
  if (match === null) return null;
  return { compartment: match[1] as 'judge' | 'zygote', by: match[2] as 'exit' | 'signal', number: Number(match[3]) };
}

/** The launcher's reason for a start that failed, such as `cannot mount a tmpfs: Permission denied`; null where it gave none. */
export function parseRefusal(diagnostics: string): string | null {
  return /^faultline-launcher: ((?!note: |\w+ ended: ).*)$/m.exec(diagnostics)?.[1] ?? null;
}

/** What the launcher has to say about a start that went well, such as `addresses stay randomised: refused`, each once though both compartments say it. */
export function parseNotes(diagnostics: string): readonly string[] {
  return [...new Set([...diagnostics.matchAll(/^faultline-launcher: note: (.*)$/gm)].map((match) => match[1]!))];
}

/** What of the kernel the isolation can build on. Whether namespaces may be used shows only when they are. */
export interface KernelReport {
  /** Whether system calls can be filtered; no tier does without. */
  readonly seccomp: boolean;
  /** Landlock's version, which tier `landlock` needs; null where the kernel has none or it is switched off. */
  readonly landlock: number | null;
}

/** Asks the launcher. Throws a FaultlineError (`environment`) where there is none. */
export async function kernelReport(): Promise<KernelReport> {
  const launcher = findLauncher();
  const { stdout } = await promisify(execFile)(launcher, ['--kernel'], { env: {}, cwd: '/', timeout: 20_000 }).catch((error: unknown) => {
    throw new FaultlineError('environment', `the sandbox launcher does not run: ${reasonOf(error)}`, {
      hint: 'Build it again with `npm run build`.',
      cause: error,
    });
  });
  const version = Number(/^landlock (\d+)$/m.exec(stdout)?.[1] ?? 0);
  return { seccomp: /^seccomp 1$/m.test(stdout), landlock: version === 0 ? null : version };
}

/**
 * What a user can do about refusals, by the words of the launcher's reasons: the first row that knows one of them. What stands in every
 * tier's way comes first.
 */
const HINTS: readonly { readonly words: RegExp; readonly hint: string }[] = [
  {
    // (Too many namespaces are no space left, too.)
    words: /(script|folder|file)\b.*: (No space left|Disk quota)/,
    hint: 'Free some space where temporary files go, or name another folder in TMPDIR.',
  },
  {
    words: /system-call filter/,
    hint: 'The kernel needs system-call filters (CONFIG_SECCOMP_FILTER), and a container must not take them away.',
  },
  {
    words: /cannot (execute|show|enter the scratch folder|make read-only) /,
    hint: 'Name a Python that every user may read and execute with --python, such as /usr/bin/python3, and a TMPDIR that every user may enter.',
  },
  // Root inside a user namespace with no second user to step down to: an ordinary user has namespaces of its own.
  { words: /no other id|groups|unprivileged/, hint: 'Run faultline as an ordinary user.' },
  {
    words: /namespace|mount|bind|pivot|_map|setgroups/,
    hint:
      'Allow unprivileged user namespaces (sysctl user.max_user_namespaces=15000; Debian: kernel.unprivileged_userns_clone=1; ' +
      'Ubuntu: kernel.apparmor_restrict_unprivileged_userns=0; Docker: --security-opt seccomp=unconfined --cap-add SYS_ADMIN), ' +
      'or use a kernel of Linux 5.13 or newer with Landlock switched on (boot parameter lsm=landlock,...).',
  },
  { words: /Landlock/, hint: 'Use a kernel of Linux 5.13 or newer with Landlock switched on (boot parameter lsm=landlock,...).' },
];

export function isolationHint(reasons: readonly string[]): string {
  const unsafe = '--unsafe-no-sandbox executes samples without isolation, and records that.';
  const row = HINTS.find(({ words }) => reasons.some((reason) => words.test(reason)));
  return row === undefined ? unsafe : `${row.hint} ${unsafe}`;
}
