/** Drawing: quotas, distinct programs before second copies, weights, and that a weighted share is what it estimates. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate, drawFailures, leastRows } from '../../../../src/reports/annotation/draw.js';
import { failuresOf } from './failures.js';

const ORDER = ['2.1', '4.1', '4.10', '8.3'];
/** 2 programs of one sample each, 40 of 3, 5 of 4, 100 of 1: 242 failures, 147 programs. */
const FAILURES = [...failuresOf('2.1', 2, 1), ...failuresOf('4.1', 40, 3), ...failuresOf('4.10', 5, 4), ...failuresOf('8.3', 100, 1)];

describe('allocate', () => {
  it('gives each leaf its floor first, and the rest in proportion to failures', () => {
    // 10 + 10 of the floor, 20 left: 15 and 5.
    expect(allocate([{ samples: 300, programs: 200 }, { samples: 100, programs: 100 }], 40, 10)).toEqual([25, 15]); // prettier-ignore
    // Thirds of 4: the first of equal remainders gets what is left.
    expect(allocate([1, 1, 1].map(() => ({ samples: 9, programs: 9 })), 7, 1)).toEqual([3, 2, 2]); // prettier-ignore
  });

  it('hands on what a leaf with few programs cannot take', () => {
    expect(allocate([{ samples: 1000, programs: 3 }, { samples: 10, programs: 10 }, { samples: 10, programs: 10 }], 15, 2)).toEqual([3, 6, 6]); // prettier-ignore
  });

  it('keeps to its limits, whatever the leaves', () => {
    const stratum = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 200 })).map(([programs, more]) => ({
      programs,
      samples: programs + more,
    }));
    fc.assert(
      fc.property(
        fc.array(stratum, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(600),
        (strata, floor, more) => {
          const least = strata.reduce((sum, { programs }) => sum + Math.min(programs, floor), 0);
          const most = strata.reduce((sum, { programs }) => sum + programs, 0);
          const quotas = allocate(strata, least + more, floor);
          expect(quotas.reduce((sum, quota) => sum + quota, 0)).toBe(Math.min(least + more, most));
          for (const [index, quota] of quotas.entries()) {
            expect(quota).toBeGreaterThanOrEqual(Math.min(strata[index]!.programs, floor));
            expect(quota).toBeLessThanOrEqual(strata[index]!.programs);
          }
        },
      ),
    );
  });

  it('refuses fewer rows than the floors', () => {
    expect(() => allocate([{ samples: 20, programs: 20 }], 5, 10)).toThrow('5 rows are fewer than 10');
    expect(leastRows(FAILURES, ORDER, 10)).toBe(2 + 10 + 5 + 10);
  });
});

describe('drawFailures', () => {
  const draw = (count: number, seed = 0n, floor = 4) => drawFailures(FAILURES, ORDER, { count, floor, seed });
  const keys = (rows: ReturnType<typeof draw>) => rows.map(({ failure }) => `${failure.code}/${failure.sampleIndex}`);

  it('is the same for equal seeds, and another one for others', () => {
    expect(draw(60)).toEqual(draw(60));
    expect(keys(draw(60))).not.toEqual(keys(draw(60, 1n)));
  });

  it('says of each row what its leaf is like, and draws no program twice while there are others', () => {
    const rows = draw(147);
    expect(new Set(rows.map(({ failure }) => failure.completion)).size).toBe(147);
    expect(rows.find(({ failure }) => failure.code === '4.1')).toMatchObject({
      stratumSamples: 120,
      stratumPrograms: 40,
      stratumDrawn: 40,
      programSamples: 3,
      programDrawn: 1,
    });
    // Not leaf by leaf, from which a reader could tell.
    const codes = rows.map(({ failure }) => failure.code);
    expect(codes.filter((code, index) => code !== codes[index + 1]).length).toBeGreaterThan(20);
  });

  it('takes second copies where there are no other programs, and all failures where more were asked for', () => {
    const rows = draw(200);
    expect(new Set(keys(rows)).size).toBe(200);
    expect(new Set(rows.map(({ failure }) => failure.completion)).size).toBe(147);
    expect(rows.some(({ programDrawn }) => programDrawn > 1)).toBe(true);
    expect(new Set(keys(draw(9999))).size).toBe(FAILURES.length);
  });

  it.each([20, 60, 147, 200, 242])('has weights that sum to the failures of each leaf: %i rows', (count) => {
    const rows = draw(count);
    expect(rows).toHaveLength(count);
    for (const [code, failures] of [
      ['2.1', 2],
      ['4.1', 120],
      ['4.10', 20],
      ['8.3', 100],
    ] as const) {
      // prettier-ignore
      const ofLeaf = rows.filter(({ failure }) => failure.code === code);
      expect(ofLeaf.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(failures, 9);
    }
  });

  it('estimates a share over all failures without leaning to a side, where the plain share of the rows would', () => {
    // Right: 4.1 in three programs of four, 8.3 in one of four, the others always. Of all 242 failures 137 are right.
    const right = ({ code, completion }: (typeof FAILURES)[number]): boolean => {
      const program = Number(completion.split(' ')[1]);
      return code === '4.1' ? program % 4 !== 0 : code === '8.3' ? program % 4 === 0 : true;
    };
    const truth = FAILURES.filter(right).length / FAILURES.length;
    const seeds = Array.from({ length: 400 }, (_, seed) => draw(40, BigInt(seed)));
    const mean = (of: (rows: ReturnType<typeof draw>) => number): number => seeds.reduce((sum, rows) => sum + of(rows), 0) / seeds.length;
    const weighted = mean((rows) => rows.reduce((sum, { failure, weight }) => sum + (right(failure) ? weight : 0), 0) / FAILURES.length);
    const plain = mean((rows) => rows.filter(({ failure }) => right(failure)).length / rows.length);
    // The estimate of one draw has a standard deviation of about 0.06; of 400 the mean's is 0.003, and four of them are 0.012.
    expect(Math.abs(weighted - truth)).toBeLessThan(0.012);
    expect(Math.abs(plain - truth)).toBeGreaterThan(0.03);
  });

  it('refuses a leaf that it does not know, and options that make no draw', () => {
    expect(() => drawFailures(failuresOf('6.66', 1, 1), ORDER, { count: 1, floor: 1, seed: 0n })).toThrow('6.66');
    expect(() => draw(0)).toThrow(RangeError);
    expect(() => draw(10, 0n, 0)).toThrow(RangeError);
  });
});
