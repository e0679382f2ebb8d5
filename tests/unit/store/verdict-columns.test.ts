/** Any verdict survives the way into columns and back. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import type { Outcome, Verdict } from '../../../src/sandbox/verdict.js';
import { storable } from '../../../src/store/text.js';
import { fromColumns, toCostColumns, toVerdictColumns } from '../../../src/store/verdict-columns.js';

const text = fc.string({ unit: 'binary' });
const maybe = fc.option(text);
const exception = fc.record({
  type: text,
  bases: fc.array(text, { maxLength: 4 }),
  message: text,
  frames: fc.array(
    fc.record({ where: fc.constantFrom('sample' as const, 'prompt' as const, 'library' as const), function: text, line: fc.nat() }),
    { maxLength: 3 },
  ),
  line: fc.option(fc.nat()),
  column: fc.option(fc.nat()),
  node: fc.option(fc.constantFrom('raise' as const, 'assert' as const, 'import' as const, 'other' as const)),
});
const assertion = fc.record({ index: fc.nat(), source: text, returned: maybe, returnedType: maybe, expected: maybe, expectedType: maybe });
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant<Outcome>({ status: 'passed' }),
  fc.record({ status: fc.constant('syntax' as const), exception }),
  fc.record({ status: fc.constant('exception' as const), phase: fc.constantFrom('load' as const, 'call' as const), exception }),
  fc.record({ status: fc.constant('missing_entry_point' as const), found: fc.constantFrom('unbound' as const, 'not_callable' as const) }),
  fc.record({
    status: fc.constant('limit' as const),
    resource: fc.constantFrom('cpu' as const, 'files' as const),
    exception: fc.option(exception),
  }),
  fc.record({ status: fc.constant('exit' as const), code: fc.integer(), via: fc.constantFrom('SystemExit' as const, 'process' as const) }),
  fc.record({ status: fc.constant('signal' as const), signal: text }),
  fc.constant<Outcome>({ status: 'forbidden', signal: 'SIGSYS' }),
  fc.record({ status: fc.constant('tamper' as const), evidence: text }),
  fc.record({ status: fc.constant('unserialisable' as const), typeName: text }),
  fc.record({ status: fc.constant('assertion' as const), assertion }),
  fc.record({ status: fc.constant('test_error' as const), exception, assertion: fc.option(assertion) }),
  fc.record({ status: fc.constant('not_run' as const), reason: text }),
  fc.record({ status: fc.constant('infra' as const), reason: text }),
);
const verdict: fc.Arbitrary<Verdict> = fc.record({
  passed: fc.boolean(),
  outcome,
  measurements: fc.record({
    phase: fc.constantFrom('compile' as const, 'load' as const, 'call' as const),
    calls: fc.nat(),
    allNone: fc.boolean(),
    stdout: text,
    cpuSeconds: fc.double({ noNaN: true }),
    wallSeconds: fc.double({ noNaN: true }),
    peakMemoryBytes: fc.nat(),
    nearLimit: fc.boolean(),
    assertions: fc.option(fc.record({ total: fc.nat(), passed: fc.nat() })),
  }),
});

it('any verdict survives', () => {
  fc.assert(
    fc.property(verdict, (given) => {
      expect(fromColumns({ ...toVerdictColumns(given), ...toCostColumns(given) })).toEqual(given);
    }),
    { numRuns: 1_000 },
  );
});

it('text that UTF-8 cannot hold is replaced once, and stays', () => {
  expect(storable('a\uD800b\uDC00\u{1F600}')).toBe('a\uFFFDb\uFFFD\u{1F600}');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(60_000), (rest, unit) => {
      const once = storable(rest + String.fromCharCode(unit) + rest);
      expect(storable(once)).toBe(once);
      expect(Buffer.from(once, 'utf8').toString('utf8')).toBe(once);
    }),
  );
});

it('a status from elsewhere is refused', () => {
  const given = fc.sample(verdict, 1)[0]!;
  const columns = { ...toVerdictColumns(given), ...toCostColumns(given), status: 'odd' };
  expect(() => fromColumns(columns)).toThrow(FaultlineError);
});
