/** Starts the sandbox as an ordinary user although the tests run as root: the launcher is wrapped, everything else is as always. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findLauncher, SCRIPTS } from '../../../src/sandbox/launcher.js';

const USER = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
/** An interpreter that every user may execute. */
export const PYTHON = '/usr/bin/python3';

/** Why an ordinary user cannot be had here, or null. */
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

/** Puts a script in the launcher's place that starts it as an ordinary user, through `further` if given. `undo` puts it back. */
export function wrapLauncher(further = ''): { readonly undo: () => void } {
  const launcher = findLauncher();
  const given = process.env['FAULTLINE_LAUNCHER'];
  const folder = mkdtempSync(path.join(os.tmpdir(), 'faultline-user-'));
  const setpriv = execFileSync('which', ['setpriv'], { encoding: 'utf8' }).trim();
  const wrapper = path.join(folder, 'launcher');
  writeFileSync(wrapper, `#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nexec ${setpriv} ${USER.join(' ')} ${further} ${launcher} "$@"\n`, {
    mode: 0o755,
  });
  process.env['FAULTLINE_LAUNCHER'] = wrapper;
  return {
    undo: () => {
      if (given === undefined) delete process.env['FAULTLINE_LAUNCHER'];
      else process.env['FAULTLINE_LAUNCHER'] = given;
      rmSync(folder, { recursive: true });
    },
  };
}
