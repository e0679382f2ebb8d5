/** What differs between two experiments: against itself, the other way round, and where a difference was built in. */
import { describe, expect, it } from 'vitest';
import { difference, type Difference, type RateRow } from '../../../src/reports/difference.js';
import type { JudgedSample } from '../../../src/store/types.js';
import { judgedSamples, sample } from './judged-samples.js';

const FAST = { resamples: 499 };
const A = judgedSamples(12, 10, 1n);
const B = judgedSamples(12, 10, 2n);

/** `passes` of `count` samples of each task pass, the others are wrong. */
function rows(tasks: Readonly<Record<string, number>>, count: number): JudgedSample[] {
  return Object.entries(tasks).flatMap(([taskId, passes]) =>
    Array.from({ length: count }, (_, sampleIndex) => {
      const isPass = sampleIndex < passes;
      return sample({
        taskId,
        sampleIndex,
        completion: `${taskId} ${sampleIndex}`,
        outcome: isPass ? 'pass' : 'wrong',
        categoryCode: isPass ? null : '8.12',
        categoryName: isPass ? null : 'wrong.all',
      });
    }),
  );
}

const rate = (data: Difference, name: string): RateRow => [...data.rates, ...data.categories].find((row) => row.name === name)!;

describe('difference', () => {
  it('of an experiment and itself is none', () => {
    const same = difference(A, A, FAST);
    expect(same.problems).toEqual({ compared: 12, onlyFirst: 0, onlySecond: 0, notJudged: 0 });
    for (const row of [...same.rates, ...same.categories]) {
      expect(row.difference.value).toBe(0);
      const isTested = row.title !== null || ['pass', 'crash rate'].includes(row.name);
      expect([row.difference.p, row.adjustedP], row.name).toEqual(isTested ? [1, 1] : [null, null]);
      expect(row.first).toEqual(row.second);
    }
    expect(same.pairs.sameText).toBe(same.pairs.pairs);
    expect([same.pairs.onlyFirst, same.pairs.onlySecond]).toEqual([0, 0]);
    expect(same.changes).toEqual([]);
  });

  it('changes its sign with the order, and nothing else', () => {
    const [there, back] = [difference(A, B, FAST), difference(B, A, FAST)];
    expect(back.rates.map(({ name }) => name)).toEqual(there.rates.map(({ name }) => name));
    for (const row of there.rates) {
      const other = rate(back, row.name);
      expect(other.difference.value).toBeCloseTo(-row.difference.value!, 12);
      expect([other.first, other.second]).toEqual([row.second, row.first]);
      expect(other.difference.p).toBe(row.difference.p);
    }
    expect([back.pairs.onlyFirst, back.pairs.onlySecond]).toEqual([there.pairs.onlySecond, there.pairs.onlyFirst]);
  });

  it('counts what was built in, over the problems that both have', () => {
    const first = rows({ a: 2, b: 4, c: 0, alone: 4 }, 4);
    const second = rows({ a: 4, b: 4, c: 1, other: 0, another: 0 }, 4);
    const data = difference(first, second, FAST);
    expect(data.problems).toEqual({ compared: 3, onlyFirst: 1, onlySecond: 2, notJudged: 0 });
    expect(data.samples).toEqual({ first: 12, second: 12 });
    const pass = rate(data, 'pass');
    expect([pass.first, pass.second]).toEqual([
      { count: 6, share: 6 / 12 },
      { count: 9, share: 9 / 12 },
    ]);
    expect(pass.difference.value).toBeCloseTo(3 / 12, 12);
    expect(rate(data, '8.12').difference.value).toBeCloseTo(-3 / 12, 12);
    expect(rate(data, '8.12').title).toBe('wrong.all');
    expect(data.pairs).toEqual({ pairs: 12, sameText: 12, bothPass: 6, onlyFirst: 0, onlySecond: 3, neither: 3, mcnemar: null });
    expect(data.changes.map(({ taskId }) => taskId)).toEqual(['a', 'c']);
  });

  it('tests pairs where there is one for each problem, and finds a difference that is large', () => {
    const tasks = (passes: (i: number) => number): Record<string, number> =>
      Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`t${i}`, passes(i)]));
    const data = difference(
      rows(
        tasks(() => 0),
        1,
      ),
      rows(
        tasks((i) => (i < 12 ? 1 : 0)),
        1,
      ),
      FAST,
    );
    // Twelve changes one way, none the other: 2 x 2^-12, half of it for the mid-p.
    expect(data.pairs.mcnemar?.exact).toBeCloseTo(2 / 2 ** 12, 12);
    expect(data.pairs.mcnemar?.midP).toBeCloseTo(1 / 2 ** 12, 12);
    const pass = rate(data, 'pass');
    expect(pass.difference.low).toBeGreaterThan(0.1);
    // The same twelve changes, by swaps of problems.
    expect(pass.difference.p).toBeCloseTo(2 / 2 ** 12, 12);
    expect(pass.adjustedP).toBeGreaterThanOrEqual(pass.difference.p!);
  });

  it('tells nothing from chance by one problem, and says so', () => {
    const data = difference(rows({ a: 0 }, 3), rows({ a: 3 }, 3), FAST);
    expect(rate(data, 'pass')).toMatchObject({ difference: { value: 1, p: 1 }, adjustedP: 1 });
    expect(data.warnings).toEqual([
      expect.objectContaining({ rule: 'few_problems', text: expect.stringContaining('no p-value can be below 1:') as string }),
    ]);
    const tasks = (count: number): Record<string, number> => Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, 1]));
    expect(difference(rows(tasks(19), 1), rows(tasks(19), 1), FAST).warnings.map(({ text }) => text)).toEqual([
      '19 problems in both: with fewer than 20 the intervals are too narrow; go by the p-values.',
    ]);
    expect(difference(rows(tasks(20), 1), rows(tasks(20), 1), FAST).warnings).toEqual([]);
  });

  it('adjusts for each question once, however many rows show it', () => {
    const tasks = (passes: number): Record<string, number> =>
      Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`t${i}`, i === 0 ? 2 : passes]));
    // All failures are wrong, and of one category: pass, wrong and 8.12 are one question; nothing crashes, which is another.
    const data = difference(rows(tasks(2), 4), rows(tasks(3), 4), FAST);
    const [pass, crash, wrong, all] = ['pass', 'crash rate', 'wrong', '8.12'].map((name) => rate(data, name));
    expect([pass!.difference.p, crash!.difference.p, wrong!.difference.p, all!.difference.p]).toEqual([2 ** -6, 1, null, 2 ** -6]);
    expect([pass!.adjustedP, crash!.adjustedP, wrong!.adjustedP, all!.adjustedP]).toEqual([2 * 2 ** -6, 1, null, 2 * 2 ** -6]);
  });

  it('leaves samples that were not judged out, and says what it cannot compare', () => {
    const infra = rows({ a: 1, b: 1 }, 2).map((each) => ({ ...each, outcome: each.taskId === 'a' ? 'infra' : each.outcome }));
    const data = difference(infra, rows({ a: 1, b: 1 }, 2), FAST);
    expect(data.problems).toEqual({ compared: 1, onlyFirst: 0, onlySecond: 0, notJudged: 1 });
    const apart = [...infra, ...rows({ c: 1 }, 2), ...rows({ d: 1 }, 2).map((each) => ({ ...each, outcome: 'infra' }))];
    expect(difference(apart, infra, FAST).problems).toEqual({ compared: 1, onlyFirst: 2, onlySecond: 0, notJudged: 1 });
    const none = difference(rows({ a: 1 }, 1), rows({ b: 1 }, 1), FAST);
    expect(none.problems.compared).toBe(0);
    expect(rate(none, 'pass').difference).toMatchObject({ value: null, p: null });
    expect(none.pairs.mcnemar).toBeNull();
    expect(() => difference([...A, sample({ strategy: 'other' })], B, FAST)).toThrow('several strategies');
    expect(() => difference([sample({ outcome: 'odd' })], B, FAST)).toThrow('not known');
  });
});
