/** Any decision survives the way into columns and back. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromDecisionColumns, toCategoryColumns, toDecisionColumns } from '../../../src/store/decision-columns.js';
import type { DecisionRow } from '../../../src/store/types.js';

const text = fc.string({ unit: 'binary' });
const span = fc.record({ start: fc.nat(), end: fc.nat() });
const decision: fc.Arbitrary<DecisionRow> = fc.record({
  categoryCode: fc.option(text),
  categoryName: fc.option(text),
  published: fc.option(fc.record({ dou: fc.array(text), tambon: fc.array(text), codehalu: fc.array(text) })),
  outcome: text,
  evidence: text,
  generationCode: fc.option(text),
  rule: fc.option(text),
  place: fc.option(fc.record({ line: fc.nat(), column: fc.option(fc.nat()), range: fc.option(span) })),
  tokens: fc.option(fc.record({ first: fc.nat(), last: fc.nat() })),
  node: fc.option(text),
  tags: fc.array(text),
});

it('any decision survives', () => {
  fc.assert(
    fc.property(decision, (given) => {
      expect(fromDecisionColumns({ ...toDecisionColumns(given), ...toCategoryColumns(given) })).toEqual(given);
    }),
  );
});
