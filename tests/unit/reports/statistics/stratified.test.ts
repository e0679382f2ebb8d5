/** Hits given by lot within problems: against R's exact Mantel-Haenszel test, SciPy's hypergeometric distribution and by hand, and never more often small than p says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProblemCounts } from '../../../../src/reports/statistics/paired-bootstrap.js';
import { conditionalHits, stratifiedTest } from '../../../../src/reports/statistics/stratified.js';
import { swaps } from './golden.js';

describe('hits by lot within problems', () => {
  it('are distributed as R has it for the rabbits under penicillin', () => {
    // mantelhaen.test(Rabbits, exact = TRUE) in R's documentation, after A. Agresti (1990): S = 16, p = 0.03994, by the arrangements that are no more likely.
    const cured: ProblemCounts = { hits: [0, 3, 6, 5, 2], samples: [6, 6, 6, 6, 2] };
    const late: ProblemCounts = { hits: [0, 0, 2, 6, 5], samples: [5, 6, 6, 6, 5] };
    const { from, shares } = conditionalHits(cured, late);
    const own = shares[16 - from]!;
    expect(shares.filter((share) => share <= own * (1 + 1e-7)).reduce((sum, share) => sum + share, 0)).toBeCloseTo(0.03994, 5);
  });

  it.each(swaps.uneven)('have the p-value that SciPy counts: $by_lot', ({ first, second, by_lot }) => {
    expect(stratifiedTest(first, second)).toBeCloseTo(by_lot, 11);
    expect(stratifiedTest(second, first)).toBeCloseTo(by_lot, 11);
  });

  it('are what can be counted by hand', () => {
    // The lady tasting tea: 1 + 16 of 70 ways are as far from two of four as three are, on either side.
    expect(stratifiedTest({ hits: [3], samples: [4] }, { hits: [1], samples: [4] })).toBeCloseTo((2 * 17) / 70, 12);
    // Of one sample beside nine without a hit nothing can be told, nor of problems that pass always.
    expect(stratifiedTest({ hits: [0, 1], samples: [1, 1] }, { hits: [0, 9], samples: [9, 9] })).toBe(1);
    expect(stratifiedTest({ hits: [], samples: [] }, { hits: [], samples: [] })).toBe(1);
    expect(() => stratifiedTest({ hits: [1], samples: [1] }, { hits: [], samples: [] })).toThrow(RangeError);
  });

  it('stay numbers for many samples, however far apart they are', () => {
    const of = (hits: number): ProblemCounts => ({ hits: new Array<number>(200).fill(hits), samples: new Array<number>(200).fill(500) });
    expect(stratifiedTest(of(500), of(0))).toBe(1e-11);
    expect(stratifiedTest(of(250), of(250))).toBeCloseTo(1, 12);
  });

  it('have a p-value of at most alpha in at most alpha of what can happen', () => {
    const problem = fc.record({ hits: fc.nat(6), first: fc.integer({ min: 1, max: 3 }), second: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(problem, { minLength: 1, maxLength: 4 }), fc.constantFrom(0.01, 0.05, 0.2, 0.5), (problems, alpha) => {
        // Every way in which the hits can fall, with its chance.
        let ways: { readonly hits: readonly number[]; readonly chance: number }[] = [{ hits: [], chance: 1 }];
        for (const { hits, first, second } of problems) {
          const all = Math.min(hits, first + second);
          const { from, shares } = conditionalHits({ hits: [Math.min(all, first)], samples: [first] }, { hits: [all - Math.min(all, first)], samples: [second] }); // prettier-ignore
          ways = ways.flatMap((way) => [...shares].map((share, i) => ({ hits: [...way.hits, from + i], chance: way.chance * share })));
        }
        const small = ways.filter(({ hits }) => {
          const first = { hits, samples: problems.map((each) => each.first) };
          const second = {
            hits: problems.map((each, i) => Math.min(each.hits, each.first + each.second) - hits[i]!),
            samples: problems.map((each) => each.second),
          };
          return stratifiedTest(first, second) <= alpha;
        });
        expect(small.reduce((sum, { chance }) => sum + chance, 0)).toBeLessThanOrEqual(alpha + 1e-9);
      }),
      { numRuns: 40 },
    );
  });
});
