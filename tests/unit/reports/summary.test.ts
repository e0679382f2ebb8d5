/** The summary against a recount: a second, simpler implementation over the same rows, and hand-made cases. */
import { describe, expect, it } from 'vitest';
import type { ReportData } from '../../../src/reports/report-data.js';
import { summarise } from '../../../src/reports/summary.js';
import type { JudgedSample } from '../../../src/store/types.js';
import { CATEGORIES, EXPERIMENT, judgedSamples, sample, verdictOf } from './judged-samples.js';

const FAST = { categories: CATEGORIES, resamples: 199 };
const rows = judgedSamples(30, 12);
const data = summarise(EXPERIMENT, rows, FAST);

/** Rows grouped by a key, counted: the whole of the recount's machinery. */
function countBy(of: readonly JudgedSample[], key: (row: JudgedSample) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of of) counts[key(row)] = (counts[key(row)] ?? 0) + 1;
  return counts;
}

/** pass@k of one problem by the definition: the share of ordered draws without replacement in which every one fails, taken from 1. */
function passByDraws(n: number, c: number, k: number): number {
  let fail = 1;
  for (let draw = 0; draw < k; draw++) fail *= Math.max(0, n - c - draw) / (n - draw);
  return 1 - fail;
}

describe('recount of 30 problems x 12 samples', () => {
  const counted = rows.filter((row) => row.outcome !== 'infra');
  const failures = counted.filter((row) => row.outcome !== 'pass');
  const tasks = [...new Set(rows.map((row) => row.taskId))];

  it('has what it needs to mean something', () => {
    expect(counted.length).toBeLessThan(rows.length);
    expect(failures.length).toBeGreaterThan(100);
    expect(failures.length).toBeLessThan(counted.length);
    expect(new Set(counted.map((row) => row.outcome))).toEqual(
      new Set(['pass', 'wrong', 'crash', 'load', 'resource', 'exit', 'syntax', 'generation']),
    );
  });

  it('counts', () => {
    expect(data.counts).toMatchObject({
      problems: 30,
      samples: rows.length,
      counted: counted.length,
      passed: counted.length - failures.length,
      failed: failures.length,
      infra: rows.length - counted.length,
      solvedProblems: new Set(counted.filter((row) => row.outcome === 'pass').map((row) => row.taskId)).size,
      nearLimit: counted.filter((row) => row.verdict.measurements.nearLimit).length,
      tokens: counted.reduce((sum, row) => sum + row.tokenCount, 0),
    });
  });

  it('outcomes', () => {
    const expected = countBy(counted, (row) => row.outcome);
    for (const { outcome, count, share } of data.outcomes) {
      expect(count).toBe(expected[outcome] ?? 0);
      expect(share.value).toBeCloseTo((expected[outcome] ?? 0) / counted.length, 12);
    }
    expect(data.outcomes.reduce((sum, { count }) => sum + count, 0)).toBe(counted.length);
  });

  it('crash rate', () => {
    const crashes = counted.filter((row) => row.outcome === 'crash' || row.outcome === 'load').length;
    expect(data.crashRate.value).toBeCloseTo(crashes / counted.length, 12);
    expect(data.crashRate.low).toBeLessThan(data.crashRate.value!);
    expect(data.crashRate.high).toBeGreaterThan(data.crashRate.value!);
  });

  it('categories, in the order of their numbers', () => {
    const expected = countBy(failures, (row) => row.categoryCode!);
    expect(Object.fromEntries(data.categories.map(({ code, count }) => [code, count]))).toEqual(expected);
    for (const category of data.categories) {
      expect(category.share.value).toBeCloseTo(category.count / failures.length, 12);
      expect(category.problems).toBe(new Set(failures.filter((row) => row.categoryCode === category.code).map((row) => row.taskId)).size);
      expect(category.residual).toBe(['2.5', '4.10', '8.11', '8.12'].includes(category.code!));
    }
    const codes = data.categories.map(({ code }) => code!.split('.').map(Number));
    expect(codes).toEqual([...codes].sort(([a, b], [c, d]) => a! - c! || b! - d!));
  });

  it('feasibility', () => {
    const share = (residual: string[]): number => failures.filter((row) => !residual.includes(row.categoryCode!)).length / failures.length;
    expect(data.feasibility.outsideResidual.value).toBeCloseTo(share(['2.5', '3.10', '4.10', '8.11', '8.12']), 12);
    expect(data.feasibility.outsideOther.value).toBeCloseTo(share(['2.5', '3.10', '4.10']), 12);
    expect(data.feasibility.decision).toBe(data.feasibility.outsideResidual.low! > 0.7 ? 'proceed' : 'stop');
  });

  it('pass@k', () => {
    for (const { k, estimate, problems } of [...data.passAtK, ...data.passCurve]) {
      const values = tasks
        .map((task) => counted.filter((row) => row.taskId === task))
        .filter((of) => of.length >= k)
        .map((of) => passByDraws(of.length, of.filter((row) => row.outcome === 'pass').length, k));
      expect(problems).toBe(values.length);
      expect(estimate.value).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 12);
    }
    expect(data.passAtK.map(({ k }) => k)).toEqual([1, 10, 12]);
  });

  it('problems', () => {
    expect(data.problems.map(({ taskId }) => taskId)).toEqual(tasks);
    for (const problem of data.problems) {
      const own = counted.filter((row) => row.taskId === problem.taskId);
      const passes = own.filter((row) => row.outcome === 'pass').length;
      expect(problem).toMatchObject({
        samples: own.length,
        infra: rows.filter((row) => row.taskId === problem.taskId).length - own.length,
        passes,
        passAt1: passes / own.length,
      });
      expect(problem.outcomes).toEqual(countBy(own, (row) => row.outcome));
      expect(problem.meanTokens).toBeCloseTo(own.reduce((sum, row) => sum + row.tokenCount, 0) / own.length, 12);
      const top = Math.max(
        0,
        ...Object.values(
          countBy(
            own.filter((row) => row.outcome !== 'pass'),
            (row) => row.categoryCode!,
          ),
        ),
      );
      expect(problem.topCategory?.count ?? 0).toBe(top);
    }
  });

  it('finish reasons', () => {
    expect(Object.fromEntries(data.finishReasons.map(({ reason, count }) => [reason, count]))).toEqual(
      countBy(counted, (row) => row.finishReason),
    );
  });

  it('is a function of its input', () => {
    expect(summarise(EXPERIMENT, rows, FAST)).toEqual(data);
  });
});

describe('worst samples', () => {
  const failing = (code: string, outcome: string, fields: Partial<JudgedSample>): JudgedSample =>
    sample({
      categoryCode: code,
      categoryName: `leaf ${code}`,
      outcome,
      verdict: verdictOf({ status: 'limit', resource: 'cpu', exception: null }),
      ...fields,
    });
  const chosen = (samples: JudgedSample[]): [string | null, number][] =>
    summarise(EXPERIMENT, samples, FAST).worst.map(({ categoryCode, sampleIndex }) => [categoryCode, sampleIndex]);

  it('takes crash-like categories first, by frequency, and the surest sample of each', () => {
    expect(
      chosen([
        failing('8.12', 'wrong', { sampleIndex: 0, completion: 'a', meanLogprob: -0.01 }),
        failing('8.12', 'wrong', { sampleIndex: 1, completion: 'b', meanLogprob: -0.02 }),
        failing('8.12', 'wrong', { sampleIndex: 2, completion: 'c', meanLogprob: -0.03 }),
        failing('4.2', 'crash', { sampleIndex: 3, completion: 'd', meanLogprob: -2 }),
        failing('4.10', 'crash', { sampleIndex: 4, completion: 'e', meanLogprob: null }),
        failing('4.10', 'crash', { sampleIndex: 5, completion: 'f', meanLogprob: -3 }),
      ]),
    ).toEqual([
      ['4.10', 5],
      ['4.2', 3],
      ['8.12', 0],
      ['4.10', 4],
      ['8.12', 1],
    ]);
  });

  it('shows the same program of the same problem once, and the earlier sample on a tie', () => {
    expect(
      chosen([
        failing('4.1', 'crash', { sampleIndex: 0, completion: 'same', meanLogprob: -1 }),
        failing('4.1', 'crash', { sampleIndex: 1, completion: 'same', meanLogprob: -1 }),
        failing('4.1', 'crash', { sampleIndex: 2, completion: 'same', meanLogprob: -0.5 }),
        failing('4.1', 'crash', { sampleIndex: 3, completion: 'other', meanLogprob: -0.5 }),
      ]),
    ).toEqual([
      ['4.1', 2],
      ['4.1', 3],
    ]);
  });
});

describe('edges', () => {
  it('without samples says nothing instead of zero', () => {
    const empty = summarise(EXPERIMENT, [], FAST);
    expect(empty.passAtK).toEqual([]);
    expect(empty.omittedK).toEqual([
      { k: 1, most: 0 },
      { k: 10, most: 0 },
    ]);
    expect(empty.crashRate.value).toBeNull();
    expect(empty.feasibility.decision).toBe('undecided');
    expect(empty.strategy).toBeNull();
  });

  it('omits k beyond the samples per problem, and says so', () => {
    const few = summarise(EXPERIMENT, judgedSamples(5, 3), FAST);
    expect(few.passAtK.map(({ k }) => k)).toEqual([1, 3]);
    expect(few.omittedK).toEqual([{ k: 10, most: 3 }]);
  });

  it('estimates pass@k over the problems that have k samples', () => {
    const uneven = [
      sample({ taskId: 'a', sampleIndex: 0 }),
      sample({ taskId: 'a', sampleIndex: 1 }),
      sample({ taskId: 'b', sampleIndex: 0, outcome: 'wrong', categoryCode: '8.12', categoryName: 'wrong.all' }),
    ];
    expect(summarise(EXPERIMENT, uneven, FAST).passAtK.map(({ k, problems, estimate }) => [k, problems, estimate.value])).toEqual([
      [1, 2, 0.5],
      [2, 1, 1],
    ]);
  });

  it('counts a failure without a category as residual', () => {
    const bare = summarise(EXPERIMENT, [sample({ outcome: 'crash', categoryCode: null })], FAST);
    expect(bare.categories).toMatchObject([{ code: null, residual: true, count: 1 }]);
    expect(bare.feasibility.outsideResidual.value).toBe(0);
    expect(bare.feasibility.outsideOther.value).toBe(0);
  });

  it('decides by the tree’s own leaves, however a config counts them', () => {
    const failures = (code: string, rule: string, count: number): JudgedSample[] =>
      Array.from({ length: count }, (_, i) =>
        sample({
          taskId: `Pico/${i % 4}`,
          sampleIndex: (rule === 'constant' ? 100 : rule === 'partial' ? 200 : 300) + i,
          outcome: 'wrong',
          categoryCode: code,
          rule,
        }),
      );
    const own = [...failures('8.7', 'constant', 4), ...failures('8.11', 'partial', 8), ...failures('8.12', 'all-wrong', 4)];
    const merged = [...failures('8.7', 'constant', 4), ...failures('8.7', 'partial', 8), ...failures('8.7', 'all-wrong', 4)];
    const off = [...failures('8.12', 'constant', 4), ...failures('8.11', 'partial', 8), ...failures('8.12', 'all-wrong', 4)];
    const decided = [own, merged, off].map((rows) => summarise(EXPERIMENT, rows, FAST));
    expect(decided.map(({ categories }) => categories.length)).toEqual([3, 1, 2]);
    for (const { feasibility } of decided) {
      expect(feasibility.outsideResidual.value).toBe(0.25);
      expect(feasibility).toEqual(decided[0]!.feasibility);
    }
    expect(decided[0]!.feasibility).toMatchObject({ decision: 'stop', outsideOther: { value: 1 } });
  });

  it('decides by the lower end of the interval, not by the share', () => {
    // Failures outside residual leaves by problem, of 4 each; the rest fall in 8.12.
    const decide = (outside: number[]): ReportData['feasibility'] =>
      summarise(
        EXPERIMENT,
        outside.flatMap((count, p) =>
          [0, 1, 2, 3].map((sampleIndex) =>
            sample({
              taskId: `Pico/${p}`,
              sampleIndex,
              ...(sampleIndex < count ? { outcome: 'crash', categoryCode: '4.1' } : { outcome: 'wrong', categoryCode: '8.12' }),
            }),
          ),
        ),
        FAST,
      ).feasibility;
    const uncertain = decide([4, 4, 4, 1, 4, 1, 4, 4]);
    expect(uncertain.outsideResidual.value).toBeGreaterThan(0.7);
    expect(uncertain.outsideResidual.low).toBeLessThan(0.7);
    expect(uncertain.decision).toBe('stop');
    expect(decide([4, 4, 3, 4, 4, 3, 4, 4]).decision).toBe('proceed');
    expect(decide([0, 0, 1]).decision).toBe('stop');
  });

  it('never counts infrastructure failures', () => {
    const infra = sample({ sampleIndex: 1, outcome: 'infra', verdict: verdictOf({ status: 'infra', reason: 'x' }), categoryCode: '0' });
    const { counts, crashRate, categories, passAtK } = summarise(EXPERIMENT, [sample(), infra], FAST);
    expect(counts).toMatchObject({ samples: 2, counted: 1, infra: 1, passed: 1, failed: 0 });
    expect(crashRate.value).toBe(0);
    expect(categories).toEqual([]);
    expect(passAtK.map(({ k }) => k)).toEqual([1]);
  });

  it('never counts samples of problems that cannot be judged, nor their problem in pass@k', () => {
    const unsupported = [0, 1].map((sampleIndex) =>
      sample({
        taskId: 'Other/1',
        sampleIndex,
        outcome: 'infra',
        categoryCode: '0',
        verdict: verdictOf({ status: 'unsupported', reason: 'x' }),
      }),
    );
    const rows = [
      sample(),
      sample({
        sampleIndex: 1,
        outcome: 'wrong',
        categoryCode: '8.12',
        verdict: verdictOf({ status: 'missing_entry_point', found: 'unbound' }),
      }),
      ...unsupported,
    ];
    const { counts, passAtK, problems, worst } = summarise(EXPERIMENT, rows, FAST);
    expect(counts).toMatchObject({ samples: 4, counted: 2, infra: 2, unsupported: 2, passed: 1, failed: 1 });
    expect(passAtK.map(({ k, problems: counted, estimate }) => [k, counted, estimate.value])).toEqual([
      [1, 1, 0.5],
      [2, 1, 1],
    ]);
    expect(problems.find(({ taskId }) => taskId === 'Other/1')).toMatchObject({ samples: 0, infra: 2, passAt1: null });
    expect(worst.some(({ taskId }) => taskId === 'Other/1')).toBe(false);
  });

  it('keeps a passing sample passing when it carries a category', () => {
    const fragile = summarise(EXPERIMENT, [sample({ categoryCode: '9', categoryName: 'fragile' })], FAST);
    expect(fragile.counts).toMatchObject({ passed: 1, failed: 0, fragilePasses: 1 });
    expect(fragile.categories).toEqual([]);
  });

  it('refuses to mix strategies', () => {
    expect(() => summarise(EXPERIMENT, [sample(), sample({ strategy: 'greedy', sampleIndex: 1 })], FAST)).toThrow(/"sample" and "greedy"/);
  });

  it('refuses an outcome it does not know', () => {
    expect(() => summarise(EXPERIMENT, [sample({ outcome: 'constructor' })], FAST)).toThrow(/Pico\/0 sample 0: outcome "constructor"/);
  });

  it('names the config entries by path', () => {
    expect(data.experiment.config).toContainEqual({ key: 'strategy.top_p', value: '0.95' });
    expect(summarise({ ...EXPERIMENT, config: 'not json' }, [], FAST).experiment.config).toEqual([{ key: 'config', value: 'not json' }]);
  });
});
