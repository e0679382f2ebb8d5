/** The bundled files are what data/README.md says they are: nothing missing, changed or unlisted. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const data = resolve(import.meta.dirname, '../../data');
const readme = readFileSync(join(data, 'README.md'), 'utf8');
const rows = [...readme.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| `([0-9a-f]{64})` \|$/gm)].map(([, file, what, licence, sum]) => ({
  file: file!,
  what: what!.trim(),
  licence: licence!.trim(),
  sum: sum!,
}));

describe('data/README.md', () => {
  it('lists exactly the files that are there', () => {
    const files = readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(data, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .filter((file) => file !== 'README.md');
    expect(rows.map((row) => row.file).sort()).toEqual(files.sort());
  });

  it.each(rows)('gives the sum, a description and a licence of $file', ({ file, what, licence, sum }) => {
    expect(
      createHash('sha256')
        .update(readFileSync(join(data, file)))
        .digest('hex'),
    ).toBe(sum);
    expect(what.length).toBeGreaterThan(10);
    expect(licence).toMatch(/^MIT/);
  });

  it('gives the command that made each kind of file, and the scripts are there', () => {
    const commands = [...readme.matchAll(/`python3 (\w+\.py)/g)].map(([, script]) => script!);
    expect(commands).toEqual(expect.arrayContaining(['corpus.py', 'bpe.py', 'train.py', 'problems.py', 'assemble.py']));
    for (const script of commands) expect(rows.map((row) => row.file)).toContain(`models/pico-gpt2-py/training/${script}`);
  });
});
