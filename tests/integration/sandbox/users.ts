/** The launcher started as somebody else, or on a system that lacks something: a script in its place that arranges that first. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findLauncher, SCRIPTS } from '../../../src/sandbox/launcher.js';

/** An interpreter that every user may execute. */
export const PYTHON = '/usr/bin/python3';
const USER = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** Why the launcher cannot be started as an ordinary user here, or null. */
export function obstacle(): string | null {
  if (process.getuid?.() !== 0) return 'only root can start the launcher as somebody else';
  try {
    execFileSync('setpriv', [...USER, PYTHON, '-c', `open(${JSON.stringify(path.join(SCRIPTS, 'judge.py'))})`], { stdio: 'ignore' });
    execFileSync('setpriv', [...USER, 'test', '-x', findLauncher()], { stdio: 'ignore' });
    return null;
  } catch {
    return `an ordinary user cannot read this checkout or execute ${PYTHON}`;
  }
}

/** A launcher's command line as an ordinary user. */
export const AS_USER = `setpriv ${USER.join(' ')}`;

/** Launchers that are wrapped; one for each test file, disposed at its end. */
export class WrappedLauncher {
  private readonly folder = mkdtempSync(path.join(os.tmpdir(), 'faultline-wrapped-'));
  private readonly given = process.env['FAULTLINE_LAUNCHER'];
  private count = 0;

  constructor() {
    // An ordinary user has to get as far as the scripts in it.
    execFileSync('chmod', ['755', this.folder]);
  }

  /** From now on launchers are started through the command `through`, with `more` arguments of their own. */
  wrap(through: string, more = ''): void {
    this.reset();
    const wrapper = path.join(this.folder, String(this.count++));
    const lines = ['#!/bin/sh', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', `exec ${through} ${findLauncher()} "$@" ${more}`, ''];
    writeFileSync(wrapper, lines.join('\n'), { mode: 0o755 });
    process.env['FAULTLINE_LAUNCHER'] = wrapper;
  }

  /** ... on a kernel that answers some system calls with errors: see refusing.py. */
  static refusing(...what: ('namespaces' | 'landlock' | 'addresses' | 'seccomp' | 'collapse' | 'own_path')[]): string {
    return `${PYTHON} ${path.resolve(import.meta.dirname, 'refusing.py')} ${what.join(',')}`;
  }

  reset(): void {
    if (this.given === undefined) delete process.env['FAULTLINE_LAUNCHER'];
    else process.env['FAULTLINE_LAUNCHER'] = this.given;
  }

  dispose(): void {
    this.reset();
    rmSync(this.folder, { recursive: true });
  }
}
