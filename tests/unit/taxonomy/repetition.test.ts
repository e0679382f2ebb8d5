/** What 1.3 looks for, beside the plainest way to find it: every place of every length, one after the other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { repetition } from '../../../src/taxonomy/rules/repetition.js';
import { evidence } from './evidence.js';

const seen = (completion: string) => repetition(evidence({ status: 'passed' }, { completion }));

/** Whether `period` characters stand four times in a row anywhere, and are none of what honest programs repeat. */
function hasPiece(text: string, period: number): boolean {
  for (let at = 0; at + 4 * period <= text.length; at++) {
    const piece = text.slice(at, at + period);
    if (text.slice(at, at + 4 * period) !== piece.repeat(4)) continue;
    const isShorter = [1, 2, 3, 4, 5, 6, 7].some((unit) => period % unit === 0 && piece === piece.slice(0, unit).repeat(period / unit));
    if (!isShorter && piece.replace(/\s+/g, '').length >= 4) return true;
  }
  return false;
}

describe('a piece of text four times in a row', () => {
  it('is found wherever it stands, of the shortest length there is', () => {
    let found = 0;
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', ' ', '0'), maxLength: 40 }),
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', ' '), minLength: 8, maxLength: 30 }),
        fc.integer({ min: 2, max: 6 }),
        fc.nat(29),
        fc.string({ unit: fc.constantFrom('a', 'b', ' ', '0'), maxLength: 40 }),
        (before, piece, times, cut, after) => {
          // The last copy may be cut, so that a run ends in the middle of one.
          const text = before + piece.repeat(times) + piece.slice(0, cut % piece.length) + after;
          const periods = Array.from({ length: 393 }, (_, i) => i + 8).filter((period) => hasPiece(text, period));
          const said = seen(text);
          if (said !== null && !said.includes('characters')) return;
          if (periods.length > 0) found++;
          expect(said).toBe(periods.length === 0 ? null : `the same ${periods[0]} characters 4 times in a row`);
        },
      ),
      { numRuns: 500 },
    );
    expect(found).toBeGreaterThan(100);
  });

  it.each([
    ['at the beginning', 'x = foo(1, 2); '.repeat(4), 15],
    ['in the middle', `# one\n${'x = foo(1, 2); '.repeat(4)}# two`, 15],
    ['after three of it and something else', `${'x = foo(1, 2); '.repeat(3)}!${'x = foo(1, 2); '.repeat(4)}`, 15],
  ])('%s', (_, text, period) => {
    expect(seen(text)).toBe(`the same ${period} characters 4 times in a row`);
  });

  it('is not three of it and the beginning of a fourth', () => {
    expect(seen(`${'x = foo(1, 2); '.repeat(3)}x = foo(1, 2)`)).toBeNull();
  });
});
