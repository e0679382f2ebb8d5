/**
 * Dependencies point one way. The ladders are read from the tables in ARCHITECTURE.md, so that the document cannot drift:
 * a folder may import only what its row names (and itself).
 */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFiles, read, root } from './project.js';

/** Rows `| folder | may use |` of the table below the given heading: folder -> allowed folders. */
function ladder(heading: string): Map<string, Set<string>> {
  const text = read('ARCHITECTURE.md');
  const start = text.indexOf(`### ${heading}`);
  if (start < 0) throw new Error(`ARCHITECTURE.md has no heading "### ${heading}"`);
  const rows = new Map<string, Set<string>>();
  for (const line of text.slice(start).split('\n').slice(1)) {
    if (line.startsWith('#')) break;
    const cells = /^\| `([\w-]+)` \| (.*?) \|/.exec(line);
    if (cells) rows.set(cells[1]!, new Set([...cells[2]!.matchAll(/`([\w-]+)`/g)].map((match) => match[1]!)));
  }
  return rows;
}

/** The first folder below `base`, or the file's own name without extension for files directly in it. */
const rung = (base: string, file: string) =>
  path
    .relative(base, file)
    .split(path.sep)[0]!
    .replace(/\.\w+$/, '');

function violations(base: string, files: string[], rows: Map<string, Set<string>>, targetsOf: (file: string) => string[]) {
  const found: string[] = [];
  for (const file of files) {
    const from = rung(base, file);
    const allowed = rows.get(from);
    if (!allowed) {
      found.push(`${file}: \`${from}\` has no row in ARCHITECTURE.md`);
      continue;
    }
    for (const target of targetsOf(file)) {
      const to = rung(base, target);
      if (to !== from && !allowed.has(to)) found.push(`${file} may not use ${target}`);
    }
  }
  return found;
}

describe('TypeScript ladder', () => {
  const files = projectFiles().filter((file) => /^src\/.*\.ts$/.test(file));
  const rows = ladder('TypeScript ladder');

  it('covers every folder', () => {
    expect(files.length).toBeGreaterThan(30);
    expect([...rows.keys()].filter((row) => !files.some((file) => rung('src', file) === row))).toEqual([]);
  });

  it('is kept by every import', () => {
    // `import type` counts too: a type that looks sideways is a design that does.
    const imports = (file: string) =>
      [...read(file).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
        path.relative(root, path.resolve(root, path.dirname(file), match[1]!)),
      );
    // verdict.ts is pure data and stored as such: the one sideways import.
    const verdict = (file: string, target: string) => file.startsWith('src/store/') && target === 'src/sandbox/verdict.js';
    expect(violations('src', files, rows, (file) => imports(file).filter((target) => !verdict(file, target)))).toEqual([]);
  });

  it('keeps SQL in store/ and the addon in engine/', () => {
    const outside = (folder: string, pattern: RegExp) => files.filter((file) => !file.startsWith(folder) && pattern.test(read(file)));
    expect(outside('src/store/', /better-sqlite3|\bSELECT\b.*\bFROM\b|\bINSERT INTO\b/)).toEqual([]);
    expect(outside('src/engine/', /\.node['"]/)).toEqual([]);
  });
});

describe('native ladder', () => {
  const files = projectFiles().filter((file) => /^native\/.*\/.*\.(cc|cu|h|inl|def)$/.test(file));
  const rows = ladder('Native ladder');
  const includes = (file: string) => [...read(file).matchAll(/^\s*#\s*include\s+"(native\/[^"]+)"/gm)].map((match) => match[1]!);

  it('covers every folder', () => {
    expect(files.length).toBeGreaterThan(30);
    expect([...rows.keys()].filter((row) => !files.some((file) => rung('native', file) === row))).toEqual([]);
  });

  it('is kept by every include', () => {
    expect(violations('native', files, rows, includes)).toEqual([]);
  });

  it('includes project files by their full path, so that this test sees them', () => {
    const local = files.filter((file) =>
      [...read(file).matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)].some((match) => !match[1]!.startsWith('native/')),
    );
    // Per-ISA sources include their width-generic text, which must not have a path that other folders would use.
    expect(local.filter((file) => !file.startsWith('native/ops/cpu/'))).toEqual([]);
  });

  it('keeps napi.h in binding/', () => {
    expect(files.filter((file) => !file.startsWith('native/binding/') && read(file).includes('napi.h'))).toEqual([]);
  });
});
