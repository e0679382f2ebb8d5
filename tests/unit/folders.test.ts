/** Folders for outputs: made with those above them, and an error, not an endless loop, where they cannot be. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolders } from '../../src/folders.js';

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'faultline-folders-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe('makeFolders', () => {
  it('makes what is missing, and leaves what is there', () => {
    makeFolders(join(scratch, 'a', 'b', 'c'));
    makeFolders(join(scratch, 'a', 'b', 'c'));
    expect(existsSync(join(scratch, 'a', 'b', 'c'))).toBe(true);
  });

  it('refuses a file in the place of a folder', () => {
    writeFileSync(join(scratch, 'file'), '');
    expect(() => makeFolders(join(scratch, 'file'))).toThrow(/EEXIST/);
    expect(() => makeFolders(join(scratch, 'file', 'below'))).toThrow(/ENOTDIR/);
  });

  it('ends where a folder that exists refuses entries, as /proc does', () => {
    expect(() => makeFolders('/proc/no-such-process/outputs')).toThrow(/ENOENT/);
  });
});
