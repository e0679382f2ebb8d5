/** The conditions of a config's own categories: each field, at its plainest, and what has none of it. */
import { describe, expect, it, test } from 'vitest';
import { RULE_FIELDS, type CategoryRule, type RuleField } from '../../../src/config/category-rules.js';
import { categoryByCode } from '../../../src/taxonomy/categories.js';
import { classify } from '../../../src/taxonomy/classify.js';
import { compileRule, impossibleCondition } from '../../../src/taxonomy/custom-rules.js';
import type { Evidence } from '../../../src/taxonomy/types.js';
import { evidence, failed, fails, holds, raised, sourceFacts, tried } from './evidence.js';

function holdsFor(when: CategoryRule['when'], given: Evidence): boolean {
  return compileRule({ name: 'x.y', over: ['8.12'], when }, [categoryByCode('8.12')]).holds(given, classify(given));
}

const crash = evidence(raised('load', 'IndexError', 'list index out of range', { statement: 'Return' }), {
  completion: '    return a[7]  # é\n',
  measurements: { phase: 'load', source: sourceFacts({ deadStatements: 1 }) },
});
const wrong = evidence(failed({ returnedType: 'tuple', expectedType: 'list' }), {
  measurements: { assertions: tried(fails(['off_by_one', 'order']), holds(), fails(['order', 'repeats'])) },
});

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
  ['tag', 'dead_code', crash],
  ['signal', 'SIGSEGV', evidence({ status: 'signal', signal: 'SIGSEGV' })],
  ['signal', 'SIGSYS', evidence({ status: 'forbidden', signal: 'SIGSYS' })],
  ['resource', 'cpu', evidence({ status: 'limit', resource: 'cpu', exception: null })],
  ['returned_type', 'tuple', wrong],
  ['returned_type', 'generator', evidence({ status: 'unserialisable', typeName: 'generator', reason: 'has no plain form' })],
  ['expected_type', 'list', wrong],
  ['relation', 'order', wrong],
];

describe('a condition', () => {
  test.each(HOLDS)('%s: %s', (field, condition, given) => {
    expect(holdsFor({ [field]: [condition] }, given)).toBe(true);
    expect(holdsFor({ [field]: ['nothing', condition] }, given)).toBe(true);
    expect(holdsFor({ [field]: ['nothing'] }, given)).toBe(false);
  });

  test.each(HOLDS)('%s: %s is possible', (field, condition) => {
    expect(impossibleCondition({ name: 'x.y', over: ['8.12'], when: { [field]: [condition] } })).toBeNull();
  });

  it('is there for every field', () => {
    expect(new Set(HOLDS.map(([field]) => field))).toEqual(new Set(RULE_FIELDS));
  });

  it('asks for the whole of a word, and for a part of a message or line', () => {
    expect(holdsFor({ exception_type: ['Index'] }, crash)).toBe(false);
    expect(holdsFor({ relation: ['repeats'] }, wrong)).toBe(false);
  });

  it('does not hold for what a sample does not have', () => {
    const nothing = evidence({ status: 'exit', code: 0, via: 'process' }, { completion: '' });
    for (const field of RULE_FIELDS.filter((each) => !['status', 'phase', 'tag'].includes(each))) {
      expect(holdsFor({ [field]: ['/.*/'] }, nothing), field).toBe(false);
    }
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
