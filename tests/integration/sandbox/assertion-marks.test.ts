/** Which assertions the prompts show: of small problems, and counted over the data sets. */
import { setMaxListeners } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProblems } from '../../../src/datasets/problems.js';
import { marksOf } from '../../../src/pipeline/assertion-marks.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import type { AssertionMarks } from '../../../src/store/types.js';
import { sharedFile } from './shared.js';

const signal = new AbortController().signal;
// Of a whole data set at a time.
setMaxListeners(0, signal);
let executor: ProcessExecutor;
beforeAll(async () => {
  const python = process.env['FAULTLINE_TEST_PYTHON'];
  executor = await ProcessExecutor.create({ workers: 2, ...(python === undefined ? {} : { python }) });
});
afterAll(async () => {
  await executor.dispose();
});

const mark = (problem: Omit<Parameters<typeof marksOf>[0], 'taskId'>): Promise<AssertionMarks> =>
  marksOf({ taskId: 'T/1', ...problem }, { executor, seed: 1n, signal });

describe('marks of assertions', () => {
  const PROMPT = 'def f(x):\n    """\n    >>> f([])\n\n    >>> f([1, 2])\n    [2, 4]\n    >>> f((7,))\n    f([3]) == [6]\n    """\n';
  const problem = { prompt: PROMPT, entryPoint: 'f', canonicalSolution: '    return [2 * y for y in x] or None\n' };

  it.each<[string, string, { total: number; visible: number[] }]>([
    ['the same arguments', 'assert f([1, 2]) == [2, 4]\nassert f([2, 1]) == [4, 2]\nassert f([3]) == [6]', { total: 3, visible: [0, 2] }],
    ['another comparison of the same call', 'assert len(candidate([1, 2])) == 2', { total: 1, visible: [0] }],
    ['a doctest that shows nothing: it returns None', 'assert f([]) is None', { total: 1, visible: [0] }],
    ['no example whose value cannot be read', 'assert f((7,)) == [14]', { total: 1, visible: [] }],
    ['arguments of another type', 'assert f((1, 2)) == [2, 4]\nassert f([1.0, 2.0]) == [2, 4]', { total: 2, visible: [] }],
    ['a shown call beside one that is not', 'assert f([1, 2]) + f([5]) == [2, 4, 10]', { total: 1, visible: [] }],
    ['a call before its assertion', 'y = f([1, 2])\nassert y == [2, 4]\nz = f([9])\nassert z == [18]', { total: 2, visible: [0] }],
    ['loops, which are hidden as a whole', 'for y in ([1, 2], [1, 2]):\n    assert f(y) == [2, 4]', { total: 1, visible: [] }],
    [
      'an assertion behind a call that has to raise',
      'try:\n    f(1)\nexcept TypeError:\n    pass\nassert f([1, 2]) == [2, 4]',
      { total: 1, visible: [0] },
    ],
  ])('tell %s', async (_, test, { total, visible }) => {
    expect(await mark({ ...problem, test: `${test}\n` })).toEqual({ taskId: 'T/1', examples: 3, total, visible, missing: null });
  });

  it('keep to what is looked at one by one: assertions after the 200th are hidden', async () => {
    const test = 'assert f([1, 2]) == [2, 4]\n'.repeat(203);
    const { total, visible } = await mark({ ...problem, test });
    expect([total, visible.length, visible.at(-1)]).toEqual([203, 200, 199]);
  });

  it.each<[string, Partial<Parameters<typeof mark>[0]>, RegExp]>([
    ['a canonical solution that fails', { canonicalSolution: '    return x\n' }, /^the canonical solution fails \(assertion\)$/],
    ['none', { canonicalSolution: ' \n' }, /^there is no canonical solution$/],
    ['a problem that cannot be judged', { unsupported: 'why' }, /^why$/],
  ])('say why nothing is known: %s', async (_, fields, reason) => {
    const found = await mark({ ...problem, test: 'assert f([1, 2]) == [2, 4]\n', ...fields });
    expect(found).toMatchObject({ examples: null, total: null, visible: [] });
    expect(found.missing).toMatch(reason);
  });

  it('cost a program that passes nothing where nobody asks', async () => {
    const { canonicalSolution, ...rest } = problem;
    const job = { ...rest, taskId: 'T/1', completion: canonicalSolution, test: 'assert f([]) is None\n', seed: 1, sampleIndex: 0 };
    expect((await executor.execute(job)).measurements).toMatchObject({ assertions: null, examples: null, source: null });
    const asked = await executor.execute({ ...job, tryAssertions: true });
    expect(asked).toMatchObject({ passed: true, measurements: { assertions: { total: 1, passed: 1 }, source: null } });
  });
});

describe('the data sets', () => {
  /** How many problems have doctests, and in how many of these an assertion is visible; then over all problems, and assertions. */
  const count = async (file: string): Promise<Record<string, number>> => {
    const { problems } = await loadProblems(file);
    const marks = await Promise.all(problems.map((each) => marksOf(each, { executor, seed: 1n, signal })));
    expect(marks.filter(({ missing }) => missing !== null)).toEqual([]);
    const shown = marks.filter(({ visible }) => visible.length > 0);
    const doctests = new Set(problems.filter(({ prompt }) => prompt.includes('>>>')).map(({ taskId }) => taskId));
    return {
      doctests: doctests.size,
      doctestsWithVisible: shown.filter(({ taskId }) => doctests.has(taskId)).length,
      withExamples: marks.filter(({ examples }) => examples! > 0).length,
      withVisible: shown.length,
      allVisible: marks.filter(({ total, visible }) => total === visible.length).length,
      assertions: marks.reduce((sum, { total }) => sum + total!, 0),
      visible: marks.reduce((sum, { visible }) => sum + visible.length, 0),
    };
  };

  it('show some assertions of 50 of the 75 bundled problems with doctests', async () => {
    expect(await count('pico-tasks')).toEqual({
      doctests: 75,
      doctestsWithVisible: 50,
      withExamples: 77,
      withVisible: 50,
      allVisible: 0,
      assertions: 384,
      visible: 50,
    });
  });

  const humanEval = sharedFile('datasets/HumanEval.jsonl.gz');
  // Examples in other forms than doctests add 54 problems.
  it.skipIf(humanEval === null)('show some of 56 of the 76 HumanEval problems with doctests (needs ../shared/datasets)', async () => {
    expect(await count(humanEval!)).toEqual({
      doctests: 76,
      doctestsWithVisible: 56,
      withExamples: 139,
      withVisible: 110,
      allVisible: 1,
      assertions: 1133,
      visible: 291,
    });
  });
});
