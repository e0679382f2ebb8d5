/** What killed writers leave goes away, and what others are writing does not. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { AtomicFile, removeAbandoned } from '../../../src/datasets/atomic-file.js';

it('removes the hidden files and folders of processes that are gone, and nothing else', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'faultline-atomic-'));
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const kept = ['report.html', '.report.html.tmp', '.hidden', `.report.html.${dead}.0123.tmp`];
  for (const name of [...kept, `.report.html.${dead}.01234567.tmp`]) writeFileSync(path.join(folder, name), '');
  mkdirSync(path.join(folder, `.report.${dead}.89abcdef.tmp`, 'tables'), { recursive: true });
  const open = await AtomicFile.open(path.join(folder, 'samples.jsonl'));
  await removeAbandoned(folder);
  await open.writeLine({ a: 1 });
  await open.commit();
  expect(readdirSync(folder).sort()).toEqual([...kept, 'samples.jsonl'].sort());
  await removeAbandoned(path.join(folder, 'missing'));
});
