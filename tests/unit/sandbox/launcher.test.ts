import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { findLauncher, isolationHint, parseEnd, SCRIPTS } from '../../../src/sandbox/launcher.js';

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

  it('has a next step for every refusal', () => {
    expect(isolationHint('cannot create namespaces (user, pid, net, ipc, uts): Operation not permitted')).toMatch(/max_user_namespaces/);
    expect(isolationHint('cannot mount a tmpfs: Permission denied')).toMatch(/apparmor_restrict_unprivileged_userns/);
    expect(isolationHint('cannot execute /root/python: Permission denied')).toMatch(/--python/);
    expect(isolationHint("cannot isolate, as this user namespace maps root to the system's root and has no other id")).toMatch(
      /^Run faultline as an ordinary user\./,
    );
    expect(isolationHint('anything else')).toMatch(/--unsafe-no-sandbox/);
  });
});
