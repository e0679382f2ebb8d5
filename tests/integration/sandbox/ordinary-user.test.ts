/**
 * The sandbox under users who are less than they seem: root by name only, and one without user namespaces. The launcher is
 * started under another user id by a wrapper, everything else is as always. A plain ordinary user: hostile.test.ts.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { sandboxReport } from '../../../src/sandbox/doctor.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { expectVerdict, fixtureOf, fixtures } from './fixtures.js';
import { obstacle, PYTHON, wrapLauncher } from './ordinary-user.js';

const reason = obstacle();

/** The end of a wrapped launcher. */
let undo = (): void => undefined;
function wrap(further = ''): void {
  undo();
  ({ undo } = wrapLauncher(further));
}
afterAll(() => {
  undo();
});

describe.skipIf(reason !== null)(`as root only by name${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it('is isolated like the ordinary user behind that root', async () => {
    wrap('unshare --user --map-root-user');
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON });
    try {
      for (const fixture of fixtures.filter(({ name }) => /^(right|forks|starts_threads|reads_passwd|sees_little)/.test(name))) {
        expectVerdict(fixture, await executor.execute(fixture.job));
      }
    } finally {
      await executor.dispose();
    }
  });

  it('is refused, with the reason and the next step, where user namespaces are forbidden', async () => {
    const forbid = `unshare --user --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"' sh`;
    wrap(forbid);
    await expect(ProcessExecutor.create({ workers: 1, python: PYTHON })).rejects.toMatchObject({
      kind: 'environment',
      message: expect.stringMatching(/^the sandbox cannot be started: cannot create namespaces .*: No space left on device$/) as string,
      hint: expect.stringContaining('user.max_user_namespaces') as string,
    });
    expect(await sandboxReport({ python: PYTHON })).toMatchObject({ tier: null, python: { path: expect.any(String) as string } });
    // Told to go without, it goes without.
    const executor = await ProcessExecutor.create({ workers: 1, python: PYTHON, unsafe: true });
    expect(executor.info.tier).toBe('none');
    expect((await executor.execute(fixtureOf('right.py').job)).passed).toBe(true);
    await executor.dispose();
  });
});
