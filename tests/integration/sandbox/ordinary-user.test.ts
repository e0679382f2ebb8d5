/**
 * The sandbox started by an ordinary user, through unprivileged user namespaces: the launcher is started under another
 * user id by a wrapper, everything else is as always.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sandboxReport } from '../../../src/sandbox/doctor.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { fixtures } from './fixtures.js';
import { descendants, gone } from './processes.js';
import { AS_USER, obstacle, PYTHON, WrappedLauncher } from './users.js';

const reason = obstacle();
const launcher = new WrappedLauncher();
afterAll(() => {
  launcher.dispose();
});

/** The ones whose outcome hangs on the isolation. */
const isolation =
  /^(right|forks|starts_threads|kills|reads|sees|writes|fills|locks|opens|traces|mounts|unshares|clones|runs|becomes|limits)/;
const FORBIDDEN = `${AS_USER} unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"' sh`;

describe.skipIf(reason !== null)(`as an ordinary user${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  let executor: ProcessExecutor;

  beforeAll(async () => {
    launcher.wrap(AS_USER);
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

  it.each(fixtures.filter(({ name }) => isolation.test(name)))('$name', async ({ job, outcome }) => {
    expect((await executor.execute(job)).outcome).toMatchObject(outcome);
  });
});

describe.skipIf(reason !== null)(`as root only by name${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it('is isolated like the ordinary user behind that root', async () => {
    launcher.wrap(`${AS_USER} unshare --user --map-root-user`);
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON });
    try {
      for (const { job, outcome } of fixtures.filter(({ name }) => /^(right|forks|starts_threads|reads_passwd|sees_little)/.test(name))) {
        expect((await executor.execute(job)).outcome).toMatchObject(outcome);
      }
    } finally {
      await executor.dispose();
    }
  });

  it('goes on in the second tier where user namespaces are forbidden, and says why', async () => {
    launcher.wrap(FORBIDDEN);
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON });
    try {
      expect(executor.info).toMatchObject({
        tier: 'landlock',
        tierReason: expect.stringMatching(/^namespaces: cannot create namespaces .*: No space left on device$/) as string,
      });
      for (const { job, landlock } of fixtures.filter(({ name }) => isolation.test(name) && name !== 'sees_little.py')) {
        expect((await executor.execute(job)).outcome).toMatchObject(landlock);
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
    expect((await executor.execute(fixtures.find(({ name }) => name === 'right.py')!.job)).passed).toBe(true);
    await executor.dispose();
  });
});
