/**
 * Prose is executed: every path, npm script, command and flag that a document names is looked up here.
 * Drift shows as a failing line that names document and word.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXECUTED_FIELDS } from '../../src/pipeline/result-fields.js';
import { projectFiles, read, root } from './project.js';

const documents = projectFiles().filter((file) =>
  /^(README|ARCHITECTURE|CONTRIBUTING|CHANGELOG)\.md$|^docs\/.*\.md$|^benchmarks\/README\.md$|^(tests|data|src)\/(.*\/)?README\.md$/.test(
    file,
  ),
);
const inlineCode = (file: string) =>
  [
    ...read(file)
      .replace(/^```[\s\S]*?^```$/gm, '')
      .matchAll(/`([^`\n]+)`/g),
  ].map((match) => match[1]!);
/** What a document links to in the project, as paths from its root. */
const linksOf = (file: string) =>
  [...read(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?\)/g)].map((match) => path.join(path.dirname(file), match[1]!));
const fenced = (file: string) => [...read(file).matchAll(/^```(?:console|sh|bash)[^\n]*\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

describe.each(['README.md', 'ARCHITECTURE.md'])('what no output replaces, by %s', (document) => {
  it('names each kind that is told by its first bytes', () => {
    const kinds = [...read('src/pipeline/keep-files.ts').matchAll(/^ {2}'an? (\w+) (?:database|file|archive)':/gm)].map(
      (match) => match[1]!,
    );
    expect(kinds).toContain('GGUF');
    const rule = read(document)
      .split(/\n\n|\n- /)
      .find((paragraph) => /^(?:\*\*)?No output replaces/.test(paragraph))!;
    expect(kinds.filter((kind) => !rule.includes(kind))).toEqual([]);
  });
});

describe('README.md', () => {
  it('has every field of a line of results in its table, and no other', () => {
    const rows = read('README.md').split('| fields of a line |')[1]!.split('\n\n')[0]!.split('\n').slice(2);
    const told = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
    expect(told.sort()).toEqual([...EXECUTED_FIELDS].sort());
  });
});

describe.each(documents)('%s', (document) => {
  it('names only paths that exist', () => {
    const files = projectFiles();
    const folders = new Set(files.flatMap((file) => file.split('/').map((_, i, parts) => parts.slice(0, i).join('/'))));
    // A path: begins with a folder of ours, or is a file at the root. Patterns with <placeholders>, * or {} are expanded by nobody.
    const tops = [...folders].filter((folder) => folder !== '' && !folder.includes('/'));
    const paths = inlineCode(document).filter((word) => /^[\w.@/-]+$/.test(word) && tops.some((top) => word.startsWith(`${top}/`)));
    const missing = paths.filter((word) => {
      const clean = word.replace(/\/$/, '');
      return !files.includes(clean) && !folders.has(clean);
    });
    expect(missing).toEqual([]);
  });

  it('links only to files that exist', () => {
    expect(linksOf(document).filter((link) => !fs.existsSync(path.join(root, link)))).toEqual([]);
  });

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(document).matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map((match) => match[1]!);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });

  it('names only commands and flags that the command line has', () => {
    const lines = [...fenced(document).flatMap((block) => block.split('\n')), ...inlineCode(document)];
    const commands = lines
      .map((line) => /(?:npx |^)faultline ([a-z][\w -]*.*)$/.exec(line.replace(/^\$ /, ''))?.[1])
      .filter((line) => line !== undefined);
    const wrong: string[] = [];
    for (const command of commands) {
      const words = command.split(/\s+/);
      const verb = words.slice(0, ['data', 'model', 'annotate'].includes(words[0]!) && /^[a-z]+$/.test(words[1] ?? '') ? 2 : 1);
      const help = helpOf(verb);
      if (help === null) wrong.push(`no command: faultline ${verb.join(' ')}`);
      else
        for (const flag of command.match(/(?<=\s)--[a-z][\w-]*/g) ?? [])
          if (!help.includes(flag)) wrong.push(`no ${flag} in: faultline ${verb.join(' ')}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('a benchmark', () => {
  const all = 'kernels, steps, prompts, ragged, hooks, invariance, peer, alone';
  it.each([
    ['bench.mjs', '--parts=steps,hook', `--parts: expected one of ${all}, or several with commas between, got "steps,hook"`],
    ['bench.mjs', '--trials=0', '--trials: expected a whole number of at least 1, got "0"'],
    ['e2e/generate-vs-node-llama-cpp.mjs', '--new=1024', '--new: expected a whole number from 1 to 1023, got "1024"'],
    ['e2e/sandbox-rate.mjs', '--python=no-python', '--python: expected a program that can be started, got "no-python"'],
    ['e2e/sandbox-soak.mjs', '--tier=none', '--tier: expected one of namespaces, landlock, got "none"'],
    ['e2e/sandbox-vs-human-eval.mjs', '--dataset=nowhere', '--dataset: expected a file or folder that is there, got "nowhere"'],
    ['e2e/store-rate.mjs', '--samples=1e3', '--samples: expected a whole number of at least 1, got "1e3"'],
    ['e2e/store-scale.mjs', '--models', "Option '--models <value>' argument missing Flags: node benchmarks/e2e/store-scale.mjs --help"],
    ['lib/random-gpt2.mjs', '--heads=7', 'width 768 is not a multiple of 7 heads'],
  ])('%s says of %s in one line what is allowed', (script, flag, line) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [`benchmarks/${script}`, flag], { cwd: root, encoding: 'utf8' });
    expect([status, stdout, stderr.replace(`${root}/`, '')]).toEqual([2, '', `${line}\n`]);
  });
});

describe('the package', () => {
  const run = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8' });
  const packed = new Set((JSON.parse(run.stdout) as { files: { path: string }[] }[])[0]!.files.map((file) => file.path));

  it('holds what its documents link to', () => {
    const inside = [...packed].filter((file) => file.endsWith('.md') && !file.startsWith('dist/'));
    expect(inside).toEqual(expect.arrayContaining(['README.md', 'src/sandbox/README.md', 'src/taxonomy/README.md']));
    const missing = inside.flatMap((file) =>
      linksOf(file)
        .filter((link) => !packed.has(link))
        .map((link) => `${file}: ${link}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('tests/fixtures/programs/hostile/README.md', () => {
  const folder = 'tests/fixtures/programs/hostile';
  const cases = projectFiles().flatMap((file) =>
    file.startsWith(`${folder}/`) && file.endsWith('.py') ? [path.basename(file, '.py')] : [],
  );
  const words = inlineCode(`${folder}/README.md`).filter((word) => /^[a-z]\w*\*?$/.test(word));
  const fits = (name: string, word: string): boolean => (word.endsWith('*') ? name.startsWith(word.slice(0, -1)) : name === word);

  it('names every program there is, and no other', () => {
    expect(cases.length).toBeGreaterThan(350);
    expect(cases.filter((name) => !words.some((word) => fits(name, word)))).toEqual([]);
    expect(words.filter((word) => word.includes('_') && !cases.some((name) => fits(name, word)))).toEqual([]);
  });
});

const helps = new Map<string, string | null>();
/** The help text of a verb, or null where the command line does not know it. */
function helpOf(verb: readonly string[]): string | null {
  const key = verb.join(' ');
  if (!helps.has(key)) {
    const run = spawnSync(process.execPath, ['bin/faultline.js', ...verb, '--help'], { cwd: root, encoding: 'utf8' });
    helps.set(key, run.status === 0 && run.stdout.includes(`faultline ${key}`) ? run.stdout : null);
  }
  return helps.get(key)!;
}
