/**
 * The leaves of 2 against what CPython really says: the recorded refusals of five minor versions, and those of the
 * interpreters of this machine, compiled now. The same text has the same leaf under all of them.
 */
import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { RULES } from '../../../src/taxonomy/rules/index.js';
import { evidence, exception } from './evidence.js';

interface Seen {
  type: string;
  bases: string[];
  message: string;
  line: number | null;
  column: number | null;
}
interface Case {
  leaf: string;
  completion: string;
  seen: Record<string, Seen>;
}
interface Sampled {
  task: string;
  index: number;
  prompt: string;
  completion: string;
  seen: Record<string, Seen>;
}

const golden = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../golden/${name}`, import.meta.url), 'utf8'));
const { prompt, cases } = golden('syntax-errors.json') as { prompt: string; cases: Case[] };
/** What the bundled model writes that does not compile, as often as it does. */
const { programs } = golden('syntax-corpus.json') as { programs: Sampled[] };
const VERSIONS = ['3.9', '3.10', '3.11', '3.12', '3.13'];

/** Within the family: whether a text goes in circles besides (1.3) does not depend on the interpreter. */
function leafOf(given: { prompt: string; completion: string }, { type, message, bases, line, column }: Seen): string | undefined {
  const refusal = exception(type, message, { bases, line, column, frames: [], node: null });
  const about = evidence({ status: 'syntax', exception: refusal }, given);
  return RULES.syntax.find(({ rule }) => rule(about) !== null)?.code;
}

describe.each(VERSIONS)('CPython %s', (version) => {
  test.each(cases.map((each) => [each.completion, each] as const))('%j', (completion, { leaf, seen }) => {
    expect(leafOf({ prompt, completion }, seen[version]!), seen[version]!.message).toBe(leaf);
  });
});

describe('programs of the bundled model', () => {
  it('are enough to say something', () => {
    expect(programs.length).toBeGreaterThanOrEqual(60);
  });

  test.each(programs.map((each) => [`${each.task} sample ${each.index}`, each] as const))('%s', (_, program) => {
    const leaves = VERSIONS.map((version) => leafOf(program, program.seen[version]!));
    expect(new Set(leaves), JSON.stringify([leaves, program.seen])).toHaveLength(1);
    expect(leaves[0]).not.toBe('2.5');
  });
});

const COMPILE = `
import json, sys, warnings
warnings.simplefilter('ignore')
out = []
for program in json.load(sys.stdin):
    try:
        compile(program, '<sample>', 'exec')
        out.append(None)
    except Exception as error:
        out.append({'type': type(error).__name__, 'bases': [base.__name__ for base in type(error).__mro__[:-1]],
                    'message': getattr(error, 'msg', None) or str(error), 'line': getattr(error, 'lineno', None),
                    'column': getattr(error, 'offset', None)})
json.dump(out, sys.stdout)
`;

/** One interpreter of each minor version that this machine has: pyenv's, and those on PATH. */
function interpreters(): ReadonlyMap<string, string> {
  const pyenv = join(process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv'), 'versions');
  const candidates = [
    ...VERSIONS.map((version) => `python${version}`),
    'python3',
    ...(existsSync(pyenv) ? readdirSync(pyenv).map((name) => join(pyenv, name, 'bin', 'python3')) : []),
  ];
  const found = new Map<string, string>();
  for (const candidate of candidates) {
    try {
      const options: ExecFileSyncOptionsWithStringEncoding = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
      const version = execFileSync(candidate, ['-I', '-S', '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], options).trim();
      if (!found.has(version)) found.set(version, candidate);
    } catch {
      // Not there, or a shim without a version behind it.
    }
  }
  return found;
}

describe('the interpreters of this machine', () => {
  const found = interpreters();

  test.for(VERSIONS)('CPython %s says what puts each program in its leaf', (version, { skip }) => {
    const python = found.get(version) ?? skip(`no CPython ${version} on PATH or in pyenv: install one to check it`);
    const given = [...cases.map(({ completion }) => ({ prompt, completion })), ...programs];
    const wanted = [...cases.map(({ leaf }) => leaf), ...programs.map((program) => leafOf(program, program.seen['3.11']!))];
    const input = JSON.stringify(given.map((each) => each.prompt + each.completion));
    const seen = JSON.parse(execFileSync(python, ['-I', '-S', '-c', COMPILE], { input, encoding: 'utf8' })) as (Seen | null)[];
    const told = given.map((each, i) => [each.completion, seen[i] === null ? 'compiles' : leafOf(each, seen[i]!)]);
    expect(told).toEqual(given.map((each, i) => [each.completion, wanted[i]]));
  });
});
