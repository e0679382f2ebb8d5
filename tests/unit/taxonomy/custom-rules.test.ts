/** The conditions of a config's own categories: each field, at its plainest, and what has none of it. */
import { describe, expect, it, test } from 'vitest';
import { RULE_FIELDS, type RuleConditions, type RuleField } from '../../../src/config/category-rules.js';
import { categoryByCode } from '../../../src/taxonomy/categories.js';
import { classify } from '../../../src/taxonomy/classify.js';
import { compileRule, impossibleCondition } from '../../../src/taxonomy/custom-rules.js';
import type { Evidence } from '../../../src/taxonomy/types.js';
import { evidence, failed, fails, holds, raised, sourceFacts, tried } from './evidence.js';

function holdsFor(when: RuleConditions, given: Evidence, unless?: RuleConditions): boolean {
  return compileRule({ name: 'x.y', over: ['8.12'], when, ...(unless && { unless }) }, [categoryByCode('8.12')]).holds(
    given,
    classify(given),
  );
}

const crash = evidence(raised('load', 'IndexError', 'list index out of range', { statement: 'Return' }), {
  completion: '    return a[7]  # é\n',
  measurements: { phase: 'load', source: sourceFacts({ deadStatements: 1 }) },
});
const wrong = evidence(failed({ returnedType: 'tuple', expectedType: 'list' }), {
  measurements: { assertions: tried(fails(['off_by_one', 'order']), holds(), fails(['order', 'repeats'])) },
});

const left = evidence(
  { status: 'exit', code: 3, via: 'SystemExit' },
  { measurements: { stdout: 'bye\n', calls: 2, cpuSeconds: 0.5, peakMemoryBytes: 600 * 2 ** 20 } },
);

const HOLDS: readonly (readonly [field: RuleField, condition: string, given: Evidence])[] = [
  ['status', 'exception', crash],
  ['phase', 'load', crash],
  ['exception_type', 'IndexError', crash],
  ['exception_type', 'LookupError', crash],
  ['exception_type', '/^Look/', crash],
  ['message', 'index out', crash],
  ['message', '/^LIST index/i', crash],
  ['line', 'a[7]', crash],
  ['line', '/^return .*é$/', crash],
  ['statement', 'Return', crash],
  ['node', 'other', crash],
  ['tag', 'dead_code', crash],
  ['signal', 'SIGSEGV', evidence({ status: 'signal', signal: 'SIGSEGV' })],
  ['signal', 'SIGSYS', evidence({ status: 'forbidden', signal: 'SIGSYS' })],
  ['resource', 'cpu', evidence({ status: 'limit', resource: 'cpu', exception: null })],
  ['returned_type', 'tuple', wrong],
  ['returned_type', 'generator', evidence({ status: 'unserialisable', typeName: 'generator', reason: 'has no plain form' })],
  ['expected_type', 'list', wrong],
  ['relation', 'order', wrong],
  ['exit_code', '3', left],
  ['exit_via', 'SystemExit', left],
  ['stdout', 'by', left],
  ['stdout', '/^bye\n$/', left],
  ['calls', '2', left],
  ['cpu_seconds', '>= 0.5', left],
  ['memory', '> 512MiB', left],
];

const NUMBERS: readonly RuleField[] = ['exit_code', 'calls', 'cpu_seconds', 'memory'];

describe('a condition', () => {
  test.each(HOLDS)('%s: %s', (field, condition, given) => {
    expect(holdsFor({ [field]: [condition] }, given)).toBe(true);
    const another = NUMBERS.includes(field) ? '< 0' : 'nothing';
    expect(holdsFor({ [field]: [another, condition] }, given)).toBe(true);
    expect(holdsFor({ [field]: [another] }, given)).toBe(false);
    // Negated by `unless`.
    expect(holdsFor({}, given, { [field]: [another, condition] })).toBe(false);
    expect(holdsFor({}, given, { [field]: [another] })).toBe(true);
  });

  test.each(HOLDS)('%s: %s is possible', (field, condition) => {
    expect(impossibleCondition({ name: 'x.y', over: ['8.12'], when: { [field]: [condition] } })).toBeNull();
    expect(impossibleCondition({ name: 'x.y', over: ['8.12'], when: {}, unless: { [field]: [condition] } })).toBeNull();
  });

  it('is there for every field', () => {
    expect(new Set(HOLDS.map(([field]) => field))).toEqual(new Set(RULE_FIELDS));
  });

  it('asks for the whole of a word, and for a part of a message or line', () => {
    expect(holdsFor({ exception_type: ['Index'] }, crash)).toBe(false);
    expect(holdsFor({ relation: ['repeats'] }, wrong)).toBe(false);
  });

  it('does not hold for what a sample does not have', () => {
    const nothing = evidence(
      { status: 'not_run', reason: 'no room' },
      { completion: '', measurements: { calls: 0, cpuSeconds: 0, peakMemoryBytes: 0, stdout: '' } },
    );
    for (const field of RULE_FIELDS.filter((each) => !['status', 'phase', 'tag'].includes(each))) {
      const anything = NUMBERS.includes(field) ? '>= 0' : '/.*/';
      expect(holdsFor({ [field]: [anything] }, nothing), field).toBe(false);
      expect(holdsFor({}, nothing, { [field]: [anything] }), field).toBe(true);
    }
  });

  it('compares numbers', () => {
    for (const [condition, held] of Object.entries({
      3: true,
      '=3': true,
      '> 3': false,
      '>=3': true,
      '< 3.5': true,
      '<= 2': false,
      '> -1': true,
    }))
      expect(holdsFor({ exit_code: [condition] }, left), condition).toBe(held);
    expect(holdsFor({ memory: ['<= 600MiB'] }, left)).toBe(true);
    expect(holdsFor({ calls: ['>= 2'] }, left, { calls: ['> 2'] })).toBe(true);
    expect(holdsFor({ calls: ['>= 2'] }, left, { calls: ['> 1'] })).toBe(false);
  });

  it('of those in `unless` none may hold', () => {
    expect(holdsFor({ phase: ['load'] }, crash, { message: ['no such'], node: ['raise'] })).toBe(true);
    expect(holdsFor({ phase: ['load'] }, crash, { message: ['no such'], node: ['other'] })).toBe(false);
    expect(impossibleCondition({ name: 'x.y', over: ['8.12'], when: {}, unless: { node: ['rise'] } })).toMatchObject({ text: 'rise' });
    const told = compileRule({ name: 'x.y', over: ['8.12'], when: { calls: ['> 1'] }, unless: { tag: ['a', 'b'] } }, [
      categoryByCode('8.12'),
    ]);
    expect(told.category.rule).toBe('of 8.12, by the config: calls > 1; not tag a or b');
  });

  it('must hold together with the others', () => {
    expect(holdsFor({ message: ['index'], phase: ['load'] }, crash)).toBe(true);
    expect(holdsFor({ message: ['index'], phase: ['call'] }, crash)).toBe(false);
  });

  it('looks at the first 1,000 characters of a line', () => {
    const long = evidence(raised('call', 'NameError'), { completion: `    x = "${'a'.repeat(5_000)}!"\n` });
    expect(holdsFor({ line: ['x = "aa'] }, long)).toBe(true);
    expect(holdsFor({ line: ['/!/'] }, long)).toBe(false);
  });
});
