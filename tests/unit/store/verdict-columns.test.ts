/** Any verdict survives the way into columns and back. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import type { Verdict } from '../../../src/sandbox/verdict.js';
import { storable } from '../../../src/store/text.js';
import { anyMeasurements, anyOutcome } from '../sandbox/any-verdict.js';
import { fromColumns, toCostColumns, toVerdictColumns } from '../../../src/store/verdict-columns.js';

const text = fc.string({ unit: 'binary' });
const verdict: fc.Arbitrary<Verdict> = fc.record({ passed: fc.boolean(), outcome: anyOutcome(text), measurements: anyMeasurements(text) });

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
