/**
 * One folder for all temporary files of a test run, gone after it: many tests make folders, and some kill who would remove theirs.
 * Vitest calls this once for itself and once for each project; one folder in another would make paths longer than a socket's may be
 * (108 bytes; a browser has one among its temporary files).
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PREFIX = 'faultline-tests-';

export default function setup(): (() => void) | undefined {
  if (path.basename(tmpdir()).startsWith(PREFIX)) return undefined;
  const before = process.env['TMPDIR'];
  const folder = mkdtempSync(path.join(tmpdir(), PREFIX));
  // As the system's own: some tests run as another user.
  chmodSync(folder, 0o1777);
  process.env['TMPDIR'] = folder;
  return () => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(folder, { recursive: true, force: true });
  };
}
