/**
 * The sandbox under users who are less than they seem: root by name only, and one without user namespaces, or under an older kernel. The launcher is
 * started under another user id by a wrapper, everything else is as always. A plain ordinary user: hostile-suite.ts.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { sandboxReport } from '../../../src/sandbox/doctor.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { expectVerdict, fixtureOf, fixtures } from './fixtures.js';
import { job } from './jobs.js';
import { AS_USER, obstacle, PYTHON, WrappedLauncher } from './users.js';

const reason = obstacle();
const launcher = new WrappedLauncher();
afterAll(() => {
  launcher.dispose();
});

/** The ones whose outcome hangs on the isolation. */
const isolation =
  /^(right|forks|starts_threads|kills|reads|sees|writes|fills|locks|opens|traces|mounts|unshares|clones|runs|becomes|limits)/;
/** Little time, as what meets a limit meets it twice; of blocked time more, as for an ordinary user waiting for a core counts. */
const LIMITS = { cpuSeconds: 0.2, wallSeconds: 1, memoryBytes: 512 << 20 };
const FORBIDDEN = `${AS_USER} unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"' sh`;

describe.skipIf(reason !== null)(`as root only by name${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it('is isolated like the ordinary user behind that root', async () => {
    launcher.wrap(`${AS_USER} unshare --user --map-root-user`);
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON });
    try {
      for (const fixture of fixtures.filter(({ name }) => /^(right|forks|starts_threads|reads_passwd|sees_little)/.test(name))) {
        expectVerdict(fixture, await executor.execute(fixture.job), executor.info);
      }
    } finally {
      await executor.dispose();
    }
  });

  it('goes on in the second tier where user namespaces are forbidden, and says why', async () => {
    launcher.wrap(FORBIDDEN);
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON, limits: LIMITS });
    try {
      expect(executor.info).toMatchObject({
        tier: 'landlock',
        tierReason: expect.stringMatching(/^namespaces: cannot create namespaces .*: No space left on device$/) as string,
      });
      // Root by name it is already, and an ordinary user to the system.
      const others = ['sees_little.py', 'becomes_root.py'];
      for (const fixture of fixtures.filter(({ name }) => isolation.test(name) && !others.includes(name))) {
        expectVerdict(fixture, await executor.execute(fixture.job), executor.info);
      }
    } finally {
      await executor.dispose();
    }
    expect(await sandboxReport({ python: PYTHON })).toMatchObject({ tier: 'landlock', reason: executor.info.tierReason });
  });

  it('is refused, with the reason and the next step, where no other tier may be taken', async () => {
    launcher.wrap(FORBIDDEN);
    await expect(ProcessExecutor.create({ workers: 1, python: PYTHON, tier: 'namespaces' })).rejects.toMatchObject({
      kind: 'environment',
      message: expect.stringMatching(
        /^programs cannot be isolated: namespaces: cannot create namespaces .*: No space left on device$/,
      ) as string,
      hint: expect.stringContaining('user.max_user_namespaces') as string,
    });
    // Told to go without, it goes without.
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON, unsafe: true });
    expect(executor.info.tier).toBe('none');
    expect((await executor.execute(fixtureOf('right.py').job)).passed).toBe(true);
    await executor.dispose();
  });
});

describe.skipIf(reason !== null)(`under a kernel before Linux 5.14${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it('may start threads whatever else the user runs, as that kernel counts everything', async () => {
    launcher.wrap(`${AS_USER} setarch --uname-2.6`);
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON, tier: 'namespaces' });
    try {
      const body = [
        'import threading',
        'threading.stack_size(65536)',
        'stop = threading.Event()',
        'for _ in range(100):',
        '    threading.Thread(target=stop.wait, daemon=True).start()',
        'stop.set()',
        'return x + 1',
      ];
      const { outcome } = await executor.execute(job(body.map((line) => `    ${line}\n`).join('')));
      expect(outcome).toEqual({ status: 'passed' });
    } finally {
      await executor.dispose();
    }
  });
});
