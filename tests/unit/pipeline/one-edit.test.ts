/** What is done about a program that failed and calls for an edit. */
import { expect, it } from 'vitest';
import { withOneEdit } from '../../../src/pipeline/one-edit.js';
import type { ExecutionJob } from '../../../src/sandbox/executor.js';
import type { Outcome, Verdict } from '../../../src/sandbox/verdict.js';
import { sourceFacts } from '../taxonomy/evidence.js';
import { fakeExecutor, fakeVerdict, raising } from './fake-executor.js';

const job: ExecutionJob = {
  taskId: 'T/0',
  sampleIndex: 3,
  prompt: 'def f(a):\n',
  entryPoint: 'f',
  test: 'base',
  completion: '    a\n',
  seed: 7,
};
const { signal } = new AbortController();
const assertion = { index: 0, source: '', returned: 'None', returnedType: 'NoneType', expected: '1', expectedType: 'int' };
const failed = (source = sourceFacts({}) as Verdict['measurements']['source'], allNone = true): Verdict => {
  const { measurements, ...rest } = fakeVerdict({ status: 'assertion', assertion });
  return { ...rest, measurements: { ...measurements, allNone, source } };
};

it.each<[Outcome, boolean]>([
  [{ status: 'passed' }, true],
  [raising('KeyError'), false],
])('executes the edited program once, and no closer look at it', async (outcome, passes) => {
  const executor = fakeExecutor(() => fakeVerdict(outcome));
  const verdict = await withOneEdit(executor, job, failed(), signal);
  expect(executor.jobs).toEqual([{ ...job, completion: '    return a\n', looksCloser: false }]);
  expect(verdict).toEqual({
    ...failed(),
    measurements: { ...failed().measurements, source: { ...sourceFacts({}), oneEdit: { kind: 'return', passes } } },
  });
});

it('leaves the verdict as it is where there is no edit, or nothing is learnt of it', async () => {
  const executor = fakeExecutor(() => fakeVerdict({ status: 'infra', reason: 'the test calls nothing' }));
  for (const verdict of [failed(null), failed(sourceFacts({}), false)])
    expect(await withOneEdit(executor, job, verdict, signal)).toBe(verdict);
  expect(executor.jobs).toEqual([]);
  const verdict = failed();
  expect(await withOneEdit(executor, job, verdict, signal)).toBe(verdict);
  expect(executor.jobs).toHaveLength(1);
});
