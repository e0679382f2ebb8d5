import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { findLauncher, isolationHint, kernelReport, parseEnd, parseNotes, parseRefusal, SCRIPTS } from '../../../src/sandbox/launcher.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the launcher', () => {
  it('can be named, and is missed with a next step', () => {
    vi.stubEnv('FAULTLINE_LAUNCHER', process.execPath);
    expect(findLauncher()).toBe(process.execPath);
    vi.stubEnv('FAULTLINE_LAUNCHER', '/no/such/launcher');
    const missing = (): unknown => {
      try {
        return findLauncher();
      } catch (error) {
        return error;
      }
    };
    expect(missing()).toBeInstanceOf(FaultlineError);
    expect(missing()).toMatchObject({ kind: 'environment', message: expect.stringContaining('/no/such/launcher') as string });
  });

  it('finds the scripts beside itself', () => {
    for (const name of ['judge.py', 'zygote.py', 'candidate.py', 'wire.py', 'execution.py'])
      expect(existsSync(path.join(SCRIPTS, name))).toBe(true);
  });

  it('says how a process ended', () => {
    expect(parseEnd('noise\nfaultline-launcher: judge ended: signal 27\n')).toEqual({ compartment: 'judge', by: 'signal', number: 27 });
    expect(parseEnd('faultline-launcher: zygote ended: exit 1\n')).toEqual({ compartment: 'zygote', by: 'exit', number: 1 });
    expect(parseEnd('faultline-launcher: cannot mount a tmpfs: refused\n')).toBeNull();
    expect(parseEnd('x faultline-launcher: judge ended: signal 27')).toBeNull();
  });

  it('gives its reason for a refusal, which is not how something ended', () => {
    expect(parseRefusal('noise\nfaultline-launcher: judge ended: exit 70\nfaultline-launcher: cannot mount a tmpfs: refused\n')).toBe(
      'cannot mount a tmpfs: refused',
    );
    expect(parseRefusal('faultline-launcher: zygote ended: exit 70\nTraceback\n')).toBeNull();
    const noted = 'faultline-launcher: note: addresses stay randomised: refused\n';
    expect([parseRefusal(noted), parseNotes('anything')]).toEqual([null, []]);
    expect(parseNotes(`${noted}faultline-launcher: note: slow: refused\n${noted}`)).toEqual([
      'addresses stay randomised: refused',
      'slow: refused',
    ]);
  });

  it('has a next step for every refusal', () => {
    const hint = (...reasons: string[]): string => isolationHint(reasons);
    expect(hint('cannot create namespaces (user, pid, net, ipc, uts): Operation not permitted')).toMatch(/max_user_namespaces/);
    // Too many of them are no space left, too.
    expect(hint('cannot create namespaces (user, pid, net, ipc, uts): No space left on device')).toMatch(/max_user_namespaces/);
    expect(hint('cannot mount a tmpfs: Permission denied')).toMatch(/apparmor_restrict_unprivileged_userns/);
    expect(hint('cannot execute /root/python: Permission denied')).toMatch(/--python/);
    expect(
      hint("cannot switch to an unprivileged user, as this user namespace maps root to the system's root and has no other id"),
    ).toMatch(/^Run faultline as an ordinary user\./);
    expect(hint('cannot use Landlock: Operation not supported')).toMatch(/lsm=landlock/);
    expect(hint('cannot copy the file /tmp/x/wire.py: No space left on device')).toMatch(/^Free some space/);
    expect(hint('cannot create a folder in /tmp: No space left on device')).toMatch(/^Free some space/);
    expect(hint('anything else')).toMatch(/^--unsafe-no-sandbox/);
    // What stands in every tier's way comes first.
    expect(hint('cannot create namespaces: refused', 'cannot install the system-call filter: Invalid argument')).toMatch(
      /CONFIG_SECCOMP_FILTER/,
    );
  });

  it('says what the kernel offers, or that it does not run', async () => {
    const kernel = await kernelReport();
    expect(kernel.seccomp).toBe(true);
    expect(kernel.landlock === null || kernel.landlock >= 1).toBe(true);
    vi.stubEnv('FAULTLINE_LAUNCHER', '/bin/false');
    await expect(kernelReport()).rejects.toMatchObject({ kind: 'environment', message: expect.stringContaining('does not run') as string });
  });
});
