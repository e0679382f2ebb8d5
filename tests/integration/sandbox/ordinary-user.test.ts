/**
 * The sandbox started by an ordinary user, through unprivileged user namespaces: the launcher is started under another
 * user id by a wrapper, everything else is as always.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLauncher, SCRIPTS } from '../../../src/sandbox/launcher.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { fixtures } from './fixtures.js';
import { descendants, gone } from './processes.js';

const USER = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
const PYTHON = '/usr/bin/python3';

/** Why this cannot be tested here, or null. */
function obstacle(): string | null {
  if (process.getuid?.() !== 0) return 'only root can start the launcher as somebody else';
  try {
    execFileSync('setpriv', [...USER, PYTHON, '-c', `open(${JSON.stringify(path.join(SCRIPTS, 'judge.py'))})`], { stdio: 'ignore' });
    execFileSync('setpriv', [...USER, 'test', '-x', findLauncher()], { stdio: 'ignore' });
    return null;
  } catch {
    return `an ordinary user cannot read this checkout or execute ${PYTHON}`;
  }
}

const reason = obstacle();

describe.skipIf(reason !== null)(`as an ordinary user${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'faultline-user-'));
  const given = process.env['FAULTLINE_LAUNCHER'];
  let executor: ProcessExecutor;

  beforeAll(async () => {
    const setpriv = execFileSync('which', ['setpriv'], { encoding: 'utf8' }).trim();
    const wrapper = path.join(folder, 'launcher');
    writeFileSync(wrapper, `#!/bin/sh\nexec ${setpriv} ${USER.join(' ')} ${findLauncher()} "$@"\n`, { mode: 0o755 });
    process.env['FAULTLINE_LAUNCHER'] = wrapper;
    executor = await ProcessExecutor.create({
      workers: 1,
      python: PYTHON,
      limits: { cpuSeconds: 0.4, wallSeconds: 0.5, memoryBytes: 512 << 20 },
    });
  });
  afterAll(async () => {
    if (given === undefined) delete process.env['FAULTLINE_LAUNCHER'];
    else process.env['FAULTLINE_LAUNCHER'] = given;
    const before = descendants();
    await executor.dispose();
    await gone(before);
    rmSync(folder, { recursive: true });
  });

  // The ones whose outcome hangs on the isolation.
  const isolation = /^(right|forks|starts_threads|kills|reads|sees|writes|fills|opens|traces|mounts|unshares|clones|runs|becomes|limits)/;
  it.each(fixtures.filter(({ name }) => isolation.test(name)))('$name', async ({ job, outcome }) => {
    expect((await executor.execute(job)).outcome).toMatchObject(outcome);
  });
});
