/** What a verdict tells of the assertions that a prompt shows, and of those that it does not. */
import { describe, expect, it } from 'vitest';
import { splitResult, type SplitResult } from '../../../../src/reports/analysis/hidden-result.js';
import type { Assertion, AssertionTrial, ExceptionInfo, Measurements, Outcome } from '../../../../src/sandbox/verdict.js';
import type { AssertionMarks } from '../../../../src/store/types.js';
import { verdict } from '../../sandbox/verdicts.js';

const marks = (total: number, visible: number[]): AssertionMarks => ({ taskId: 'T', examples: 1, total, visible, missing: null });
/** Of four assertions the first and the third are visible. */
const MARKS = marks(4, [0, 2]);
const trials = (...held: boolean[]): Measurements['assertions'] => ({
  total: held.length,
  passed: held.filter(Boolean).length,
  trials: held.map((each, index): AssertionTrial => ({ index, held: each, visible: null, traits: [], relations: null })),
});
const assertion = (index: number): Assertion => ({ index, source: '', returned: null, returnedType: null, expected: null, expectedType: null }); // prettier-ignore
const WRONG: Outcome = { status: 'assertion', assertion: assertion(0) };
const exception: ExceptionInfo = { type: 'KeyError', bases: [], message: '', frames: [], line: 1, column: null, node: 'other', statement: null, locals: [] }; // prettier-ignore
const split = (outcome: Outcome, measured: Partial<Measurements> = {}, marked: AssertionMarks | undefined = MARKS): SplitResult | null =>
  splitResult(verdict(outcome, measured), marked);

describe('a sample', () => {
  it('that passes the test passes both kinds', () => {
    expect(split({ status: 'passed' })).toEqual({ visible: 'passed', hidden: 'passed' });
  });

  it.each<[string, boolean[], SplitResult]>([
    ['the shown ones alone', [true, false, true, true], { visible: 'passed', hidden: 'failed' }],
    ['the hidden ones alone', [false, true, true, true], { visible: 'failed', hidden: 'passed' }],
    ['neither', [true, true, false, false], { visible: 'failed', hidden: 'failed' }],
    ['each alone, though not together', [true, true, true, true], { visible: 'failed', hidden: 'failed' }],
  ])('that fails passes %s', (_, held, wanted) => {
    expect(split(WRONG, { assertions: trials(...held) })).toEqual(wanted);
    expect(split({ status: 'exception', phase: 'call', exception }, { assertions: trials(...held) })).toEqual(wanted);
  });

  it('fails hidden ones where one fails behind those that are listed', () => {
    const some = trials(false, true);
    const beyond = { ...some!, total: 300, passed: 298 };
    expect(split(WRONG, { assertions: beyond }, marks(300, [0]))).toEqual({ visible: 'failed', hidden: 'failed' });
    expect(split(WRONG, { assertions: { ...beyond, passed: 299 } }, marks(300, [0]))).toEqual({ visible: 'failed', hidden: 'passed' });
  });

  it.each<[string, Outcome, SplitResult]>([
    ['the kind of the assertion at which it ended', WRONG, { visible: 'failed', hidden: 'unknown' }],
    ['or of its other kind', { status: 'assertion', assertion: assertion(1) }, { visible: 'unknown', hidden: 'failed' }],
    ['an assertion that raised', { status: 'test_error', exception, assertion: assertion(3) }, { visible: 'unknown', hidden: 'failed' }],
    ['nothing where the call raised', { status: 'exception', phase: 'call', exception }, { visible: 'unknown', hidden: 'unknown' }],
    ['nothing where a limit ended it', { status: 'limit', resource: 'cpu', exception: null }, { visible: 'unknown', hidden: 'unknown' }],
    ['nothing where it exited', { status: 'exit', code: 0, via: 'process' }, { visible: 'unknown', hidden: 'unknown' }],
    ['that a bypass passes none', { status: 'tamper', evidence: '' }, { visible: 'failed', hidden: 'failed' }],
    ['that none can be called', { status: 'missing_entry_point', found: 'unbound' }, { visible: 'failed', hidden: 'failed' }],
  ])('whose assertions were not tried alone tells %s', (_, outcome, wanted) => {
    expect(split(outcome)).toEqual(wanted);
  });

  it.each(['compile', 'load'] as const)('that ends in phase %s fails both kinds', (phase) => {
    expect(split({ status: 'limit', resource: 'cpu', exception: null }, { phase })).toEqual({ visible: 'failed', hidden: 'failed' });
  });

  it('of a problem with one kind does as on the whole test', () => {
    const limit: Outcome = { status: 'limit', resource: 'cpu', exception: null };
    expect(split(limit, {}, marks(3, []))).toEqual({ visible: null, hidden: 'failed' });
    expect(split(limit, {}, marks(2, [0, 1]))).toEqual({ visible: 'failed', hidden: null });
    expect(split({ status: 'passed' }, {}, marks(2, [0, 1]))).toEqual({ visible: 'passed', hidden: null });
  });

  it('of a problem that is not marked tells nothing', () => {
    expect(splitResult(verdict({ status: 'passed' }), undefined)).toBeNull();
    expect(split({ status: 'passed' }, {}, { ...MARKS, total: null, visible: [], missing: 'why' })).toBeNull();
  });
});
