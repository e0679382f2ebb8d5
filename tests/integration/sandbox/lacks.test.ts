/** What a machine may lack, for real or by a filter that answers as a kernel without it does: named, with the next step. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { renderDoctor } from '../../../src/cli/doctor-text.js';
import { loadConfig } from '../../../src/config/load.js';
import { examine } from '../../../src/pipeline/doctor.js';
import { sandboxReport } from '../../../src/sandbox/doctor.js';
import { findLauncher, kernelReport } from '../../../src/sandbox/launcher.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { findPython } from '../../../src/sandbox/python.js';
import { job, RIGHT, SLEEPS } from './jobs.js';
import { descendants } from './processes.js';
import { AS_USER, obstacle, PYTHON, WrappedLauncher } from './users.js';

const launcher = new WrappedLauncher();
afterEach(() => {
  launcher.reset();
});
afterAll(() => {
  launcher.dispose();
});

const create = (options: object = {}): Promise<ProcessExecutor> => ProcessExecutor.create({ workers: 1, python: PYTHON, ...options });
/** KiB of large pages that hold code in the zygotes of this process. Needs root. */
function largePagesOfCode(): number {
  const zygotes = descendants().filter(({ command }) => command.includes('zygote.py'));
  expect(zygotes.length).toBeGreaterThan(0);
  const maps = zygotes.flatMap(({ pid }) => readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m));
  return maps
    .filter((map) => /^\S+ r-xp /.test(map))
    .reduce((sum, map) => sum + Number(/^AnonHugePages: +(\d+) kB$/m.exec(map)?.[1] ?? 0), 0);
}

const { landlock } = await kernelReport();
const unprivileged = obstacle();

/** Everybody who may start the launcher; as root only root. */
const starters = [
  { who: 'whoever runs this', through: '', skip: null },
  { who: 'an ordinary user', through: `${AS_USER} `, skip: unprivileged },
];

describe.each(starters.map((starter) => ({ ...starter })))('for $who', ({ through, skip }) => {
  const off = skip !== null;

  it.skipIf(off || landlock === null)('without namespaces it is the second tier, and doctor says why', async () => {
    launcher.wrap(through + WrappedLauncher.refusing('namespaces'));
    const reason = 'namespaces: cannot create namespaces (user, pid, net, ipc, uts): Operation not permitted';
    const executor = await create();
    expect(executor.info).toMatchObject({ tier: 'landlock', tierReason: reason });
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
    await executor.dispose();

    const report = await examine(loadConfig({ flags: [{ key: 'sandbox.python', flag: '--python', text: PYTHON }] }).values);
    expect(report.sandbox).toMatchObject({ tier: 'landlock', reason, hint: null, kernel: { seccomp: true, landlock } });
    expect(report.missing.filter(({ what }) => what === 'sandbox')).toEqual([]);
    const lines = renderDoctor(report).split('\n');
    const begin = lines.findIndex((line) => line.startsWith('sandbox'));
    expect(lines[begin]).toMatch(/isolation: landlock$/);
    expect(lines[begin + 1]).toMatch(/as namespaces: cannot create namespaces .*: Operation not permitted$/);
    expect(lines[begin + 2]).toMatch(new RegExp(`kernel: seccomp: yes, Landlock: version ${landlock}$`));
  });

  it.skipIf(off)('without namespaces and Landlock it is refused for both reasons, and can be had without isolation', async () => {
    launcher.wrap(through + WrappedLauncher.refusing('namespaces', 'landlock'));
    const message =
      'programs cannot be isolated: namespaces: cannot create namespaces (user, pid, net, ipc, uts): Operation not permitted; ' +
      'landlock: cannot use Landlock: Operation not supported';
    const hint = expect.stringMatching(/user\.max_user_namespaces.*lsm=landlock.*--unsafe-no-sandbox/) as string;
    await expect(create()).rejects.toMatchObject({ kind: 'environment', message, hint });
    const report = await examine(loadConfig({ flags: [{ key: 'sandbox.python', flag: '--python', text: PYTHON }] }).values);
    expect(report.sandbox).toMatchObject({ tier: null, reason: message, hint, kernel: { landlock: null } });
    expect(report.missing).toContainEqual({ what: 'sandbox', kind: 'environment', reason: message, hint });
    expect(renderDoctor(report)).toMatch(/programs cannot be isolated\n +kernel: seccomp: yes, Landlock: no\n/);

    const executor = await create({ unsafe: true });
    expect(executor.info).toMatchObject({ tier: 'none', tierReason: '--unsafe-no-sandbox was given' });
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
    await executor.dispose();
  });

  it.skipIf(off)('without large pages programs run as well', async () => {
    launcher.wrap(through + WrappedLauncher.refusing('collapse'));
    const executor = await create();
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
    if (through === '' && process.getuid?.() === 0) expect(largePagesOfCode()).toBe(0);
    await executor.dispose();
  });

  it.skipIf(off)('where addresses cannot be kept from being random it is said, and costs no tier', async () => {
    launcher.wrap(through + WrappedLauncher.refusing('addresses'));
    const executor = await create();
    expect(executor.info).toMatchObject({ tier: 'namespaces', tierReason: 'addresses stay randomised: Operation not permitted' });
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
    await executor.dispose();
    // As in a container.
    launcher.wrap(through + WrappedLauncher.refusing('namespaces', 'addresses'));
    expect(await sandboxReport({ python: PYTHON })).toMatchObject({
      tier: 'landlock',
      reason: expect.stringMatching(/^namespaces: .*; addresses stay randomised: Operation not permitted$/) as string,
    });
  });

  it.skipIf(off || through !== '' || process.getuid?.() !== 0)(
    'where run delays are not counted it is said, and costs no tier',
    async () => {
      launcher.wrap(`unshare -m sh -c 'mount --bind /dev/null /proc/$$/schedstat && exec "$0" "$@"'`);
      const executor = await create({ limits: { cpuSeconds: 0.2, wallSeconds: 0.3 } });
      const note = 'who waits for a core is told from who sleeps by a rule of thumb: the kernel does not count it (schedstat is zero)';
      expect(executor.info).toMatchObject({ tier: 'namespaces', tierReason: note });
      expect((await executor.execute(job(SLEEPS))).outcome).toMatchObject({ status: 'limit', resource: 'blocked' });
      expect((await executor.execute(job('    while True:\n        pass\n'))).outcome).toMatchObject({ status: 'limit', resource: 'cpu' });
      await executor.dispose();
    },
  );

  it.skipIf(off || through === '')('a machine that has no process left costs no tier: it is named', async () => {
    launcher.wrap(`${through}prlimit --nproc=1`);
    await expect(create()).rejects.toMatchObject({
      kind: 'environment',
      message: 'the sandbox cannot be started: cannot start a process: Resource temporarily unavailable',
    });
  });

  it.skipIf(off)('without system-call filters it is refused in every tier', async () => {
    launcher.wrap(through + WrappedLauncher.refusing('seccomp'));
    expect((await kernelReport()).seccomp).toBe(false);
    await expect(create()).rejects.toMatchObject({
      kind: 'environment',
      message: expect.stringMatching(
        /^programs cannot be isolated: namespaces: cannot install the system-call filter: Invalid argument; landlock: /,
      ) as string,
      hint: expect.stringContaining('CONFIG_SECCOMP_FILTER') as string,
    });
    expect(await sandboxReport({ python: PYTHON })).toMatchObject({ tier: null, kernel: { seccomp: false } });
  });
});

it.each([
  { library: null, reason: 'No such file or directory' },
  { library: 'no library', reason: 'file too short' },
])('without the library for forks ($reason) Python forks by itself, which is said', async ({ library, reason }) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'faultline-launcher-'));
  try {
    execFileSync('chmod', ['755', folder]);
    copyFileSync(findLauncher(), path.join(folder, 'alone'));
    if (library !== null) writeFileSync(path.join(folder, 'alone-forks.so'), library);
    process.env['FAULTLINE_LAUNCHER'] = path.join(folder, 'alone');
    const executor = await create({ limits: { cpuSeconds: 0.2 } });
    expect(executor.info.tierReason).toMatch(new RegExp(`(^|; )forks take longer: .*${reason}$`));
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
    expect((await executor.execute(job('    while True:\n        pass\n'))).outcome).toMatchObject({ status: 'limit', resource: 'cpu' });
    await executor.dispose();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.skipIf(landlock === null)('where the launcher cannot see where it lies Python forks by itself, which is said', async () => {
  launcher.wrap(WrappedLauncher.refusing('own_path'));
  // The first tier needs to know where links lead.
  const executor = await create({ tier: 'landlock' });
  expect(executor.info.tierReason).toBe('sandbox.tier is landlock; forks take longer: /proc/self/exe: Permission denied');
  expect((await executor.execute(job(RIGHT))).passed).toBe(true);
  await executor.dispose();
});

it("the interpreter's code is in large pages", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("needs root, to look at a zygote's memory");
  if (process.arch !== 'x64') return context.skip('needs x86-64');
  const probe = 'import mmap; memory = mmap.mmap(-1, 4 << 20); memory.write(bytes(4 << 20)); memory.madvise(25)';
  if (spawnSync(PYTHON, ['-c', probe]).status !== 0) return context.skip('needs a kernel that joins pages (Linux 6.1)');
  const executor = await create();
  expect((await executor.execute(job(RIGHT))).passed).toBe(true);
  expect(largePagesOfCode()).toBeGreaterThan(0);
  await executor.dispose();
});

describe('interpreters', () => {
  const versions = path.join(os.homedir(), '.pyenv/versions');
  const at = (version: string): string => path.join(versions, version, 'bin', version.startsWith('2') ? 'python2.7' : 'python3');

  it.for(['2.7.18', '3.6.15', '3.7.16', '3.8.18'])('%s is refused as too old (where pyenv has it)', async (version, context) => {
    if (!existsSync(at(version))) return context.skip(`needs ${at(version)}`);
    await expect(create({ python: at(version) })).rejects.toMatchObject({
      kind: 'environment',
      message: `no usable Python was found as ${at(version)} (${at(version)}: it is version ${version}, older than 3.9)`,
      hint: expect.stringContaining('Python 3.9 or newer') as string,
    });
    expect(await sandboxReport({ python: at(version) })).toMatchObject({ tier: null, python: null });
  });

  it.for(['3.9.18', '3.10.13', '3.11.7', '3.12.1', '3.13.0'])('%s executes (where pyenv has it)', async (version, context) => {
    if (!existsSync(at(version))) return context.skip(`needs ${at(version)}`);
    expect((await findPython(at(version))).version).toBe(version);
    const executor = await create({ python: at(version) });
    expect(executor.info.pythonVersion).toBe(version);
    expect(executor.info.tierReason ?? '').not.toContain('forks take longer');
    expect((await executor.execute(job(RIGHT))).passed).toBe(true);
    await executor.dispose();
  });

  it('are looked for along PATH, and missed with what was tried', async () => {
    const given = process.env['PATH'];
    const empty = mkdtempSync(path.join(os.tmpdir(), 'faultline-path-'));
    try {
      process.env['PATH'] = empty;
      await expect(create({ python: 'python3' })).rejects.toMatchObject({
        kind: 'environment',
        message: 'no usable Python was found as python3',
        hint: expect.stringContaining('apt install python3') as string,
      });
    } finally {
      process.env['PATH'] = given;
      rmSync(empty, { recursive: true });
    }
  });

  it.skipIf(unprivileged !== null || landlock === null)('must be readable for the user that the second tier steps down to', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'faultline-closed-'));
    try {
      // A copy in a folder that only its owner may enter, as mkdtemp makes it.
      execFileSync('cp', [(await findPython(PYTHON)).path, path.join(folder, 'python3')]);
      await expect(create({ tier: 'landlock', python: path.join(folder, 'python3') })).rejects.toMatchObject({
        kind: 'environment',
        message: expect.stringMatching(/landlock: cannot \w+ .*python3: Permission denied$/) as string,
        hint: expect.stringContaining('--python') as string,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a full disk', () => {
  /** A file system of so many bytes in a folder of its own, for temporary files. */
  const withDisk = async (bytes: number, body: (folder: string) => Promise<void>): Promise<void> => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'faultline-disk-'));
    const given = process.env['TMPDIR'];
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=1777`, 'tmpfs', folder]);
    try {
      process.env['TMPDIR'] = folder;
      await body(folder);
    } finally {
      if (given === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = given;
      execFileSync('umount', ['-l', folder]);
      rmdirSync(folder);
    }
  };
  const mounts = ((): boolean => {
    try {
      execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();
  const MiB = 1 << 20;

  it.skipIf(!mounts || landlock === null)('keeps the second tier from starting (root only: it mounts a small one)', async () => {
    await withDisk(MiB, async (folder) => {
      await expect(create({ tier: 'landlock' })).rejects.toMatchObject({
        kind: 'environment',
        message: `programs cannot be isolated: landlock: cannot have programs write in the folder ${folder}: No space left on device`,
        hint: expect.stringMatching(/^Free some space/) as string,
      });
    });
  });

  it.skipIf(!mounts || landlock === null)('that fills up later ends the run, and fails no sample', async () => {
    await withDisk(40 * MiB, async (folder) => {
      const executor = await create({ tier: 'landlock', limits: { fileBytes: 8 * MiB } });
      try {
        const writes = '    with open("file", "wb") as file:\n        file.write(bytes(4 << 20))\n    return x + 1\n';
        expect((await executor.execute(job(writes))).passed).toBe(true);
        // A sample's own limit is its own.
        const large = writes.replace('4 << 20', '9 << 20');
        expect((await executor.execute(job(large))).outcome).toMatchObject({ status: 'limit', resource: 'files' });
        // Somebody else's file.
        writeFileSync(path.join(folder, 'other'), Buffer.alloc(36 * MiB));
        await expect(executor.execute(job(writes))).rejects.toMatchObject({
          kind: 'infrastructure',
          message: expect.stringMatching(/^the sandbox failed 3 times in a row: .*(is full|No space left on device)$/) as string,
          hint: expect.stringContaining('Free some space') as string,
        });
      } finally {
        await executor.dispose();
      }
    });
  });

  it.skipIf(!mounts)('is none of the best tier’s business', async () => {
    await withDisk(4096, async () => {
      const executor = await create({ tier: 'namespaces' });
      const writes = '    with open("file", "wb") as file:\n        file.write(bytes(4 << 20))\n    return x + 1\n';
      expect((await executor.execute(job(writes))).passed).toBe(true);
      await executor.dispose();
    });
  });
});
