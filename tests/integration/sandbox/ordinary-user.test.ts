/**
 * The sandbox started by an ordinary user, through unprivileged user namespaces: the launcher is started under another
 * user id by a wrapper, everything else is as always.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sandboxReport } from '../../../src/sandbox/doctor.js';
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
const folder = mkdtempSync(path.join(os.tmpdir(), 'faultline-user-'));
const given = process.env['FAULTLINE_LAUNCHER'];
const launcher = reason === null ? findLauncher() : '';

/** Puts a script in the launcher's place that starts it as an ordinary user, through `further` if given. */
function wrapLauncher(name: string, further: string): void {
  const setpriv = execFileSync('which', ['setpriv'], { encoding: 'utf8' }).trim();
  const wrapper = path.join(folder, name);
  writeFileSync(wrapper, `#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nexec ${setpriv} ${USER.join(' ')} ${further} ${launcher} "$@"\n`, {
    mode: 0o755,
  });
  process.env['FAULTLINE_LAUNCHER'] = wrapper;
}

afterAll(() => {
  if (given === undefined) delete process.env['FAULTLINE_LAUNCHER'];
  else process.env['FAULTLINE_LAUNCHER'] = given;
  rmSync(folder, { recursive: true });
});

describe.skipIf(reason !== null)(`as an ordinary user${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let executor: ProcessExecutor;

  beforeAll(async () => {
    wrapLauncher('launcher', '');
    executor = await ProcessExecutor.create({
      workers: 1,
      python: PYTHON,
      limits: { cpuSeconds: 0.4, wallSeconds: 0.5, memoryBytes: 512 << 20 },
    });
  });
  afterAll(async () => {
    const before = descendants();
    await executor.dispose();
    await gone(before);
  });

  // The ones whose outcome hangs on the isolation.
  const isolation = /^(right|forks|starts_threads|kills|reads|sees|writes|fills|opens|traces|mounts|unshares|clones|runs|becomes|limits)/;
  it.each(fixtures.filter(({ name }) => isolation.test(name)))('$name', async ({ job, outcome }) => {
    expect((await executor.execute(job)).outcome).toMatchObject(outcome);
  });
});

describe.skipIf(reason !== null)(`as root only by name${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it('is isolated like the ordinary user behind that root', async () => {
    wrapLauncher('named-root', 'unshare --user --map-root-user');
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON });
    try {
      for (const { job, outcome } of fixtures.filter(({ name }) => /^(right|forks|starts_threads|reads_passwd|sees_little)/.test(name))) {
        expect((await executor.execute(job)).outcome).toMatchObject(outcome);
      }
    } finally {
      await executor.dispose();
    }
  });

  it('is refused, with the reason and the next step, where user namespaces are forbidden', async () => {
    const forbid = `unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"' sh`;
    wrapLauncher('forbidden', forbid);
    await expect(ProcessExecutor.create({ workers: 1, python: PYTHON })).rejects.toMatchObject({
      kind: 'environment',
      message: expect.stringMatching(/^the sandbox cannot be started: cannot create namespaces .*: No space left on device$/) as string,
      hint: expect.stringContaining('user.max_user_namespaces') as string,
    });
    expect(await sandboxReport({ python: PYTHON })).toMatchObject({ tier: null, python: { path: expect.any(String) as string } });
    // Told to go without, it goes without.
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON, unsafe: true });
    expect(executor.info.tier).toBe('none');
    expect((await executor.execute(fixtures.find(({ name }) => name === 'right.py')!.job)).passed).toBe(true);
    await executor.dispose();
  });
});
