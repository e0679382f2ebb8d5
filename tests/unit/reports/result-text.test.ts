/** The `result` column: one line for every way in which an execution ends. */
import { expect, it } from 'vitest';
import { resultText } from '../../../src/reports/result-text.js';
import type { Assertion, ExceptionInfo, Outcome, Verdict } from '../../../src/sandbox/verdict.js';

const exception = (type: string, message: string): ExceptionInfo => ({
  type,
  bases: [type],
  message,
  frames: [],
  line: 2,
  column: null,
  node: 'other',
  statement: 'Return',
  locals: [],
});
const assertion: Assertion = {
  index: 0,
  source: 'assert candidate(1) == 2',
  returned: '3',
  returnedType: 'int',
  expected: '2',
  expectedType: 'int',
};
const rows: readonly [Outcome, string][] = [
  [{ status: 'passed' }, 'passed'],
  [{ status: 'syntax', exception: exception('SyntaxError', 'invalid syntax') }, 'failed: SyntaxError: invalid syntax'],
  [
    { status: 'exception', phase: 'call', exception: exception('NameError', "name 'c' is not defined") },
    "failed: NameError: name 'c' is not defined",
  ],
  [{ status: 'exception', phase: 'load', exception: exception('KeyError', 'a\nb') }, 'failed: KeyError: a b'],
  [{ status: 'exception', phase: 'call', exception: exception('AssertionError', '') }, 'failed: AssertionError'],
  [{ status: 'missing_entry_point', found: 'unbound' }, 'failed: the entry point is not defined'],
  [{ status: 'limit', resource: 'cpu', exception: null }, 'timed out'],
  [{ status: 'limit', resource: 'blocked', exception: null }, 'timed out'],
  [{ status: 'limit', resource: 'memory', exception: exception('MemoryError', '') }, 'failed: MemoryError'],
  [{ status: 'limit', resource: 'output', exception: null }, 'failed: output limit'],
  [{ status: 'exit', code: 0, via: 'SystemExit' }, 'failed: SystemExit: 0'],
  [{ status: 'exit', code: 3, via: 'process' }, 'failed: exit with code 3'],
  [{ status: 'signal', signal: 'SIGSEGV' }, 'failed: killed by SIGSEGV'],
  [{ status: 'forbidden', signal: 'SIGSYS' }, 'failed: a system call that is not allowed'],
  [{ status: 'tamper', evidence: 'forged bytes' }, 'failed: tampering: forged bytes'],
  [{ status: 'unserialisable', typeName: 'list', reason: 'contains\nitself' }, 'failed: returned a list, which contains itself'],
  [{ status: 'assertion', assertion }, 'failed: AssertionError: assert candidate(1) == 2 (returned 3)'],
  [{ status: 'test_error', exception: exception('TypeError', 'x'), assertion: null }, 'failed: TypeError: x'],
  [{ status: 'not_run', reason: 'no room' }, 'failed: not run: no room'],
  [{ status: 'infra', reason: 'the zygote died' }, 'infrastructure: the zygote died'],
];

it.each(rows)('%j', (outcome, text) => {
  expect(resultText({ outcome } as Verdict)).toBe(text);
});
