import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MBPP_TEMPLATES, type MbppTemplate } from '../../../src/datasets/mbpp.js';
import type { Problem } from '../../../src/datasets/problem.js';
import { loadProblems, type LoadProblemsOptions } from '../../../src/datasets/problems.js';
import { FaultlineError } from '../../../src/errors.js';
import { askPython } from './python.js';

const shared = resolve(import.meta.dirname, '../../../../shared/datasets');
const scratch = mkdtempSync(join(tmpdir(), 'faultline-problems-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});
let counter = 0;
const fileWith = (...rows: unknown[]): string => {
  const file = join(scratch, `${counter++}.jsonl`);
  writeFileSync(file, rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'));
  return file;
};
const refusal = async (file: string, options?: LoadProblemsOptions): Promise<FaultlineError> => {
  const error: unknown = await loadProblems(file, options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FaultlineError);
  return error as FaultlineError;
};

const plain = {
  task_id: 'A/0',
  prompt: 'def f():\n',
  entry_point: 'f',
  canonical_solution: '    return 1\n',
  test: 'def check(candidate):\n    assert candidate() == 1\n',
};

describe('HumanEval format', () => {
  it('is read into problems, what is not known is kept', async () => {
    const set = await loadProblems(fileWith({ ...plain, difficulty: 2, composition: 'x' }));
    expect(set.problems).toEqual([
      {
        taskId: 'A/0',
        prompt: plain.prompt,
        entryPoint: 'f',
        canonicalSolution: plain.canonical_solution,
        test: plain.test,
        difficulty: 2,
        extra: { composition: 'x' },
      },
    ]);
    expect(set.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('the bundled problems, by name: mixed, with difficulties, and right by CPython', async () => {
    const { problems, name } = await loadProblems('pico-tasks');
    expect([name, problems.length]).toEqual(['pico-tasks', 80]);
    expect(new Set(problems.map((problem) => problem.difficulty))).toEqual(new Set([1, 2, 3, 4]));
    const program = `
import json, sys
failed = []
for p in json.load(sys.stdin):
    scope = {}
    exec(p["prompt"] + p["canonicalSolution"] + p["test"], scope)
    scope["check"](scope[p["entryPoint"]])
print(json.dumps(failed))`;
    expect(askPython(program, problems)).toEqual([]);
  });

  it.skipIf(!existsSync(shared))('HumanEval itself (needs ../shared/datasets)', async () => {
    const { problems, hash } = await loadProblems(join(shared, 'HumanEval.jsonl.gz'));
    expect([problems.length, problems[163]!.taskId]).toEqual([164, 'HumanEval/163']);
    expect(hash).toBe('b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef');
    expect(problems.every((problem) => Object.keys(problem.extra).length === 0)).toBe(true);
  });

  it('a further test, where a line has one', async () => {
    const { problems } = await loadProblems(
      fileWith({ ...plain, extra_test: 'assert f(9) == 9\n' }, { ...plain, task_id: 'A/1', extra_test: null }),
    );
    expect(problems.map(({ furtherTest, extra }) => [furtherTest, extra])).toEqual([
      ['assert f(9) == 9\n', {}],
      [undefined, {}],
    ]);
  });

  it('takes the first few, and refuses more than there are', async () => {
    const file = fileWith(plain, { ...plain, task_id: 'A/1' });
    expect((await loadProblems(file, { count: 1 })).problems.map((problem) => problem.taskId)).toEqual(['A/0']);
    expect((await loadProblems(file, { count: 1 })).hash).toBe((await loadProblems(file)).hash);
    for (const count of [0, 3, 1.5]) expect((await refusal(file, { count })).kind).toBe('usage');
  });

  it.each<[string, unknown[], [number | undefined, number | undefined], RegExp]>([
    ['a broken line', [plain, '{"task_id":'], [2, 12], /not valid JSON/],
    ['a missing field', [{ ...plain, test: undefined }], [1, 1], /field "test" is missing/],
    [
      'a wrong type',
      ['{"task_id": "A", "prompt": 5}'].map((row) => row.replace('}', ', "entry_point": "f", "canonical_solution": "", "test": ""}')),
      [1, 28],
      /field "prompt" is a number, expected a string/,
    ],
    ['a task twice', [plain, plain], [2, 12], /task_id "A\/0" is already on line 1/],
    ['an empty task id', [{ ...plain, task_id: '' }], [1, 12], /"task_id" is empty/],
    [
      'an entry point that is code',
      [{ ...plain, entry_point: 'f(); import os' }],
      [1, undefined],
      /expected the name of a Python function/,
    ],
    ['a difficulty of five', [{ ...plain, difficulty: 5 }], [1, undefined], /"difficulty" is 5, expected a whole number from 1 to 4/],
    ['no problem', [], [undefined, undefined], /holds no problem/],
  ])('refuses %s', async (_, rows, [line, column], says) => {
    const file = fileWith(...rows);
    const error = await refusal(file);
    expect([error.kind, error.place.file, error.place.line]).toEqual(['input', file, line]);
    if (column !== undefined) expect(error.place.column).toBe(column);
    expect(error.message).toMatch(says);
  });

  it('refuses names and paths that lead nowhere, with the next step', async () => {
    expect((await refusal('humanevl')).hint).toBe('Did you mean humaneval?');
    expect((await refusal('zzzzzzzz')).hint).toMatch(/pico-tasks, humaneval, mbpp/);
    expect((await refusal('some/where.jsonl')).message).toBe('some/where.jsonl: no such file');
    expect((await refusal('mbpp', { home: scratch })).hint).toBe('Run: faultline data fetch mbpp');
  });
});

describe('MBPP format', () => {
  const row = (changes: object) => ({
    task_id: 1,
    text: 'Write a function to do it.',
    code: 'def f(n):\r\n  return n',
    test_list: ['assert f(1) == 1'],
    test_setup_code: '',
    challenge_test_list: [],
    ...changes,
  });
  const one = async (changes: object, template?: MbppTemplate): Promise<Problem> =>
    (await loadProblems(fileWith(row(changes)), template === undefined ? {} : { template })).problems[0]!;

  it('signature, the default: the signature, the text as docstring, the assertions hidden', async () => {
    expect(await one({})).toMatchObject({
      taskId: 'MBPP/1',
      prompt: 'def f(n):\n    """Write a function to do it.\n    """\n',
      entryPoint: 'f',
      canonicalSolution: '    return n\n',
      test: 'assert f(1) == 1\n',
      extra: { template: 'signature', visible_assertions: [], code: 'def f(n):\r\n  return n' },
    });
  });

  it('docstring: text and assertions in a docstring; they count as visible', async () => {
    expect(await one({ test_list: ['assert f(1) == 1', 'assert f(2) == 2'] }, 'docstring')).toMatchObject({
      prompt: '"""\nWrite a function to do it.\nassert f(1) == 1\nassert f(2) == 2\n"""\n',
      entryPoint: 'f',
      canonicalSolution: 'def f(n):\n  return n\n',
      test: 'assert f(1) == 1\nassert f(2) == 2\n',
      extra: { template: 'docstring', visible_assertions: ['assert f(1) == 1', 'assert f(2) == 2'] },
    });
  });

  it('the entry point is what the assertions call and the code defines, also when it shadows a builtin', async () => {
    expect(
      (await one({ code: 'def helper(x):\n  return x\ndef sum(a, b):\n  return helper(a) + b', test_list: ['assert sum(1, 2) == 3'] }))
        .entryPoint,
    ).toBe('sum');
    expect((await one({ code: 'def set_of(x):\n  return set(x)', test_list: ['assert set(set_of([1])) == set([1])'] })).entryPoint).toBe(
      'set_of',
    );
  });

  it('imports and what the signature or the tests need stand before; other helpers are the solution', async () => {
    const code =
      'import math\nLIMIT = 3\nclass Pair:\n  def __init__(self, a):\n    self.a = a * SCALE\nSCALE = 2\ndef helper(p):\n  return p.a\ndef f(p, n=LIMIT):\n  return helper(p) + n';
    const problem = await one({ code, test_list: ['assert f(Pair(1)) == 5'] });
    expect(problem.prompt).toBe(
      'import math\nLIMIT = 3\nclass Pair:\n  def __init__(self, a):\n    self.a = a * SCALE\nSCALE = 2\n\n\ndef f(p, n=LIMIT):\n    """Write a function to do it.\n    """\n',
    );
    expect(problem.canonicalSolution).toBe('    return helper(p) + n\n\ndef helper(p):\n  return p.a\n');
    const docstring = await one({ code, test_list: ['assert f(Pair(1)) == 5'] }, 'docstring');
    expect(docstring.test).toMatch(/^import math\nclass Pair:[^]*SCALE = 2\nassert f/);
  });

  it('keeps a text what it is inside the docstring', async () => {
    const text = 'Split at "\\n" or """; say "yes"';
    for (const template of ['signature', 'docstring'] as const) {
      const problem = await one({ text, test_list: ['assert f("\\n") == "\\""'] }, template);
      const docstring = askPython(
        'import ast, json, sys\np = json.load(sys.stdin)\nt = ast.parse(p["prompt"] + p["canonicalSolution"])\nprint(json.dumps(ast.get_docstring(t) or ast.get_docstring(t.body[0])))',
        problem,
      ) as string;
      expect(docstring.startsWith(text)).toBe(true);
      if (template === 'docstring') expect(docstring).toContain('assert f("\\n") == "\\""');
    }
  });

  it('reads the sanitized file: prompt instead of text, imports of the tests', async () => {
    const problem = await one({ text: undefined, prompt: 'Do it.', test_imports: ['import math'], test_setup_code: undefined });
    expect(problem.prompt).toContain('"""Do it.');
    expect(problem.test).toBe('import math\nassert f(1) == 1\n');
  });

  it('a further test of the challenges, with what they alone need of the reference code', async () => {
    const code = 'import math\nLIMIT = 3\ndef f(n=LIMIT):\n  return n\nBIG = 10 ** 6\n';
    const challenges = { code, test_setup_code: 'x = 1', challenge_test_list: [' assert f(BIG) == BIG ', 'assert f() == LIMIT'] };
    expect((await one({})).furtherTest).toBeUndefined();
    const further = 'BIG = 10 ** 6\nx = 1\nassert f(BIG) == BIG\nassert f() == LIMIT\n';
    const signature = await one(challenges);
    expect(signature).toMatchObject({ furtherTest: further, test: 'x = 1\nassert f(1) == 1\n' });
    expect(signature.prompt).toMatch(/^import math\nLIMIT = 3\n\n\ndef f/);
    expect((await one(challenges, 'docstring')).furtherTest).toBe(`import math\nLIMIT = 3\n${further}`);
  });

  it.each(MBPP_TEMPLATES)('%s: adapts the listed problems, and nothing that only has their number', async (template) => {
    const listed = { task_id: 367, code: 'def is_tree_balanced(root):\n  return True', test_list: ['assert is_tree_balanced(1)'] };
    expect((await one(listed, template)).unsupported).toMatch(/objects of the class Node/);
    expect((await one({ task_id: 367 }, template)).unsupported).toBeUndefined();
    expect((await one({ ...listed, task_id: 368 }, template)).unsupported).toBeUndefined();
    const size = { task_id: 596, code: 'def tuple_size(x):\n  return 1', test_list: ['assert tuple_size(()) == 1'] };
    expect((await one(size, template)).test).toBe('import sys\nassert tuple_size(()) == 1\n');
  });

  it.each<[string, object, RegExp]>([
    ['no function that is called', { test_list: ['assert g(1) == 1'] }, /no entry point/],
    ['assertions that are no list', { test_list: 'assert f(1)' }, /"test_list" is a string, expected a list of strings/],
    ['an assertion that is no text', { test_list: [1] }, /"test_list"\[0\] is a number/],
    ['a task id that is none', { task_id: null }, /"task_id" is null/],
    ['a missing text', { text: undefined }, /field "prompt" is missing/],
  ])('refuses %s', async (_, changes, says) => {
    const error = await refusal(fileWith(row(changes)));
    expect([error.kind, error.place.line]).toEqual(['input', 1]);
    expect(error.message).toMatch(says);
  });

  it.skipIf(!existsSync(shared))('knows the odd ones of the real file (needs ../shared/datasets)', async () => {
    const { problems } = await loadProblems(join(shared, 'mbpp.jsonl'));
    const of = (id: number) => problems.find((problem) => problem.taskId === `MBPP/${id}`)!;
    expect(of(126)).toMatchObject({ entryPoint: 'sum', prompt: expect.stringMatching(/^def sum\(a,b\):/) as string });
    expect(of(601)).toMatchObject({ entryPoint: 'max_chain_length', prompt: expect.stringMatching(/^class Pair/) as string });
    expect(of(596).prompt).toMatch(/^import sys/);
    expect(of(367).test).toMatch(/^root = Node\(1\)/);
    expect(problems.filter(({ unsupported }) => unsupported !== undefined).map(({ taskId }) => taskId)).toEqual([
      'MBPP/367',
      'MBPP/601',
      'MBPP/927',
    ]);
    expect(problems.filter(({ furtherTest }) => furtherTest !== undefined)).toHaveLength(11);
    expect(problems.every((problem) => !/assert/.test(problem.prompt))).toBe(true);
    expect(problems.every((problem) => !problem.prompt.includes('\r') && !problem.test.includes('\r'))).toBe(true);
  });
});
