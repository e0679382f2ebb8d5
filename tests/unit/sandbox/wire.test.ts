/** Values between judge and candidate, tested in Python itself: types survive exactly, forged bytes never do harm. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { SCRIPTS } from '../../../src/sandbox/launcher.js';
import { findPython } from '../../../src/sandbox/python.js';

it('values keep their exact types, and malformed bytes are refused', async () => {
  const python = await findPython();
  const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'wire.py');
  const { stdout } = await promisify(execFile)(python.path, ['-S', '-B', script, SCRIPTS, String(Math.floor(Math.random() * 2 ** 31))]);
  expect(stdout).toBe('ok\n');
});
