import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { findPython } from '../../../src/sandbox/python.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'faultline-python-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A command that answers faultline's question in its own way. */
function pretend(name: string, script: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}
const answer = (changes: object): string =>
  `echo '${JSON.stringify({ path: '/x/python', version: [3, 11, 7], prefixes: ['/x'], stdlib: ['/x/lib'], implementation: 'cpython', ...changes })}'`;

describe('the interpreter', () => {
  it('is resolved to its real path, with what it needs', async () => {
    const python = await findPython();
    expect(path.isAbsolute(python.path)).toBe(true);
    expect(python.version).toMatch(/^3\.\d+\.\d+$/);
    expect(python.needs.length).toBeGreaterThan(0);
    expect(python.needs).not.toContain(os.homedir());
    // Shims and links lead to the same one.
    expect(await findPython(python.path)).toEqual(python);
  });

  it('is refused where it is too old, not CPython, or silent', async () => {
    await expect(findPython(pretend('old', answer({ version: [3, 8, 1] })))).rejects.toThrow(/version 3\.8\.1, older than 3\.9/);
    await expect(findPython(pretend('pypy', answer({ implementation: 'pypy' })))).rejects.toThrow(/pypy, and CPython is needed/);
    await expect(findPython(pretend('silent', 'exit 3'))).rejects.toMatchObject({ kind: 'environment' });
    await expect(findPython('no-such-command')).rejects.toMatchObject({
      kind: 'environment',
      message: 'no usable Python was found as no-such-command',
      hint: expect.stringContaining('apt install python3') as string,
    });
  });

  it('is looked for along PATH until one will do', async () => {
    const bad = path.join(folder, 'bad');
    const good = path.join(folder, 'good');
    for (const [place, script] of [
      [bad, 'exit 1'],
      [good, answer({ version: [3, 12, 0] })],
    ] as const) {
      const { mkdirSync } = await import('node:fs');
      mkdirSync(place);
      writeFileSync(path.join(place, 'python3'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    vi.stubEnv('PATH', `relative:${bad}:/no/such/folder:${good}`);
    try {
      expect(await findPython()).toMatchObject({ path: '/x/python', version: '3.12.0' });
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
