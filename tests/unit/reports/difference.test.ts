/** What differs between two experiments: against itself, the other way round, and where a difference was built in. */
import { describe, expect, it } from 'vitest';
import { difference, type Difference, type RateRow } from '../../../src/reports/difference.js';
import type { Measurements } from '../../../src/sandbox/verdict.js';
import type { AssertionMarks, JudgedSample } from '../../../src/store/types.js';
import { verdict } from '../sandbox/verdicts.js';
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

  it('compares passes on hidden assertions where both have them marked, and counts what cannot be known', () => {
    const marks = (taskId: string, total: number | null, visible: number[]): AssertionMarks => ({ taskId, examples: 1, total, visible, missing: total === null ? 'why' : null }); // prettier-ignore
    const all = [marks('a', 2, [0]), marks('b', 2, [0, 1]), marks('c', null, []), marks('d', 3, [])];
    // It fails at the first assertion, which the prompt shows: whether the hidden one holds is known where each was tried alone.
    const failing = (taskId: string, sampleIndex: number, trials: readonly boolean[] | null): JudgedSample =>
      sample({
        ...{ taskId, sampleIndex, outcome: 'wrong', categoryCode: '8.12', categoryName: 'wrong.all' },
        verdict: verdict(
          {
            status: 'assertion',
            assertion: { index: 0, source: '', returned: '1', returnedType: 'int', expected: '2', expectedType: 'int' },
          },
          {
            phase: 'call',
            assertions: { total: 2, passed: 1, trials: trials?.map((held, index) => ({ index, held, visible: index === 0 })) ?? null },
          } as Partial<Measurements>,
        ),
      });
    const side = (trials: readonly boolean[] | null): JudgedSample[] => [
      failing('a', 0, trials),
      sample({ taskId: 'a', sampleIndex: 1 }),
      ...['b', 'c', 'd'].map((taskId) => sample({ taskId })),
    ];
    const { hiddenAssertions } = difference(side([false, true]), side(null), { ...FAST, marks: { first: all, second: all } });
    expect(hiddenAssertions).toMatchObject({
      problems: 2,
      samples: { first: 3, second: 3 },
      unknown: { first: 0, second: 1 },
      missing: null,
    });
    const [pass, hidden] = hiddenAssertions.rates;
    expect([pass!.name, pass!.first.share, pass!.second.share, pass!.difference.p]).toEqual(['pass', 2 / 3, 2 / 3, null]);
    expect([hidden!.name, hidden!.first.share, hidden!.second.share, hidden!.difference.p]).toEqual(['hidden pass', 1, 2 / 3, 1]);
    // Without marks on one side nothing is said.
    const unmarked = difference(side(null), side(null), { ...FAST, marks: { first: all, second: [] } });
    expect(unmarked.hiddenAssertions).toMatchObject({
      problems: 0,
      rates: [],
      missing: 'no problem has hidden assertions that are marked in both',
    });
  });

  it('weighs each distinct program once, and says how many there are', () => {
    const drawn = (completions: readonly string[]): JudgedSample[] =>
      ['a', 'b'].flatMap((taskId) =>
        completions.map((completion, sampleIndex) =>
          sample({ taskId, sampleIndex, completion, ...(completion === 'good' ? {} : { outcome: 'crash', categoryCode: '4.1', categoryName: 'x' }) }),
        ),
      ); // prettier-ignore
    const { programs, rates } = difference(drawn(['good', 'bad', 'bad', 'bad']), drawn(['good', 'bad', 'other', 'good']), FAST);
    expect([programs.first, programs.second]).toEqual([4, 6]);
    expect(programs.rates.map(({ name, first, second }) => [name, first.share, second.share])).toEqual([
      ['distinct', 1 / 2, 3 / 4],
      ['pass', 1 / 2, 1 / 3],
      ['crash rate', 1 / 2, 2 / 3],
    ]);
    expect(rates.slice(0, 2).map(({ first, second }) => [first.share, second.share])).toEqual([[1 / 4, 1 / 2], [3 / 4, 1 / 2]]); // prettier-ignore
    expect(programs.rates[0]!.difference.p).toBeNull();
    expect(programs.rates[1]!.adjustedP).toBeGreaterThanOrEqual(programs.rates[1]!.difference.p!);
  });

  it('does not take few samples for other problems: no delta, and no test over programs, and it says so', () => {
    const tasks = (passes: (i: number) => number): Record<string, number> =>
      Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`t${i}`, passes(i)]));
    const once = rows(tasks((i) => (i < 3 ? 1 : 0)), 1); // prettier-ignore
    const tenTimes = rows(tasks(() => 1), 10); // prettier-ignore
    const data = difference(once, tenTimes, FAST);
    // Of a hundred pairs of problems the second is higher in seventy, with a third of the rate.
    expect(rate(data, 'pass').difference.value).toBeCloseTo(-0.2, 12);
    expect(data.passRates.cliffsDelta).toEqual({ value: null, low: null, high: null, method: 'none' });
    expect(data.programs.rates.map(({ difference: { value, p }, adjustedP }) => [value === null, p, adjustedP])).toEqual([[false, null, null], [false, null, null], [false, null, null]]); // prettier-ignore
    expect(data.warnings.map(({ rule }) => rule)).toEqual(['few_problems', 'unequal_samples']);
    expect(data.warnings[1]!.text).toContain("10 samples beside 100 of the same problems: no Cliff's delta");
    // Every rate is tested all the same.
    expect(rate(data, 'pass').difference.p).toBeGreaterThan(0.05);
    // Without a sample or two there is one.
    const nine = tenTimes.filter(({ taskId, sampleIndex }) => sampleIndex < 9 || taskId === 't0');
    const close = difference(nine, tenTimes, FAST);
    expect(close.passRates.cliffsDelta.value).not.toBeNull();
    expect(close.programs.rates[1]!.difference.p).not.toBeNull();
    expect(close.warnings.map(({ rule }) => rule)).toEqual(['few_problems']);
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
