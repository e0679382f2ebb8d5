/** The analyses on samples that can be counted by hand. */
import { describe, expect, it } from 'vitest';
import { coOccurrence } from '../../../../src/reports/analysis/co-occurrence.js';
import { distributionSteps, type Distribution } from '../../../../src/reports/analysis/distribution.js';
import { failurePosition } from '../../../../src/reports/analysis/failure-position.js';
import { firstDivergence, unknownDivergence } from '../../../../src/reports/analysis/first-divergence.js';
import { hiddenAssertions } from '../../../../src/reports/analysis/hidden-assertions.js';
import type { KindResult } from '../../../../src/reports/analysis/hidden-result.js';
import { programShares } from '../../../../src/reports/analysis/programs.js';
import { AnalysisRows, type AnalysisRow } from '../../../../src/reports/analysis/rows.js';
import { spread } from '../../../../src/reports/analysis/spread.js';
import { Bootstrap } from '../../../../src/reports/statistics/bootstrap.js';
import { finish } from '../../../../src/reports/steps.js';
import type { AssertionMarks, TokenSample } from '../../../../src/store/types.js';
import { sample, verdictOf } from '../judged-samples.js';
import { pass, row } from './row.js';

const over = (problems: number): Bootstrap => new Bootstrap(problems, { resamples: 199 });
const name = { categoryCode: '4.1', categoryName: 'crash.name_error' };
const type = { categoryCode: '4.4', categoryName: 'crash.type_error' };
const wrong = { outcome: 'wrong', categoryCode: '8.12', categoryName: 'wrong.all', failingLine: null } as const;

describe('rows', () => {
  it('number problems and programs, place failures in the completion, and leave out what does not count', () => {
    const rows = new AnalysisRows([{ taskId: 'B', examples: 1, total: 2, visible: [0], missing: null }]);
    const prompt = 'def f(x):\n    """Doc."""\n';
    const place = { line: 4, column: null, range: null };
    const seen = [
      sample({ taskId: 'A', prompt, completion: '    a = 1\n    return b\n\n', outcome: 'crash', ...name, place }),
      sample({ taskId: 'A', prompt, completion: '    return 1\n', sampleIndex: 1 }),
      sample({ taskId: 'A', prompt, completion: '    return 1\n', sampleIndex: 2, outcome: 'infra' }),
      sample({ taskId: 'A', prompt, completion: '    return 1\n', sampleIndex: 3 }),
      sample({ taskId: 'B', prompt, completion: '    return 1\n', difficulty: 3 }),
      sample({ taskId: 'B', prompt, completion: '    return (', sampleIndex: 1, place: { ...place, line: 1 }, verdict: verdictOf({ status: 'exit', code: 0, via: 'process' }) }), // prettier-ignore
    ];
    expect([...rows.through(seen)]).toEqual(seen);
    expect(rows.problems).toEqual([{ taskId: 'A', difficulty: null }, { taskId: 'B', difficulty: 3 }]); // prettier-ignore
    expect(rows.rows.map((each) => [each.problem, each.program, each.lines, each.failingLine])).toEqual([
      [0, 0, 2, 2],
      [0, 1, 1, null],
      [0, 1, 1, null],
      [1, 2, 1, null],
      [1, 3, 1, -1],
    ]);
    expect(rows.rows.map(({ split }) => split)).toEqual([null, null, null, { visible: 'passed', hidden: 'passed' }, { visible: 'unknown', hidden: 'unknown' }]); // prettier-ignore
  });
});

describe('hidden assertions', () => {
  const marks = (taskId: string, total: number | null, visible: number[]): AssertionMarks => ({
    taskId,
    examples: total === null ? null : visible.length + 1,
    total,
    visible,
    missing: total === null ? 'why' : null,
  });
  const failing = (problem: number, visible: KindResult | null, hidden: KindResult | null): AnalysisRow =>
    row({ problem, split: { visible, hidden } });
  const passing = (problem: number, visible: KindResult | null, hidden: KindResult | null): AnalysisRow =>
    pass({ problem, split: { visible, hidden } });

  it('are counted over the problems that have some, with bounds where it cannot be known', () => {
    const rows = [
      passing(0, 'passed', 'passed'),
      failing(0, 'failed', 'passed'),
      failing(0, 'passed', 'failed'),
      failing(0, 'failed', 'unknown'),
      passing(1, null, 'passed'),
      failing(1, null, 'failed'),
      failing(1, null, 'failed'),
      failing(1, null, 'failed'),
      passing(2, 'passed', null), // all visible: in no rate
      pass({ problem: 3 }), // not marked
    ];
    const all = [marks('A', 4, [0, 2]), marks('B', 3, []), marks('C', 1, [0]), marks('D', null, []), marks('E', 9, [1])];
    const found = hiddenAssertions(rows, ['A', 'B', 'C', 'D'], all, over(4));
    expect(found).toMatchObject({
      // E has no sample.
      problems: { all: 4, marked: 3, withExamples: 3, withVisible: 2, allVisible: 1 },
      assertions: { total: 8, visible: 3, hidden: 5 },
      samples: 8,
      passed: 2,
      passedHidden: 3,
      unknown: 1,
      table: { both: 1, visibleOnly: 1, hiddenOnly: 1, neither: 0, unknown: 1 },
      missing: null,
    });
    const [first, second, ...others] = found.passAtK;
    expect(others).toEqual([]);
    expect(first).toMatchObject({ k: 1, problems: 2, all: { value: 2 / 8 }, hidden: { value: 3 / 8 }, hiddenAtMost: { value: 4 / 8 } });
    expect(second).toMatchObject({ k: 4, problems: 2, all: { value: 1 }, hidden: { value: 1 } });
  });

  it('say why there is nothing to say', () => {
    expect(hiddenAssertions([], [], [], over(0)).missing).toBe('no sample counts');
    expect(hiddenAssertions([row()], ['A'], [], over(1)).missing).toMatch(/not marked when/);
    expect(hiddenAssertions([row()], ['A'], [marks('A', null, [])], over(1)).missing).toBe('no assertion could be marked: why');
  });
});

describe('programs', () => {
  it('are counted once each, beside their samples', () => {
    const rows = [pass({ program: 7 }), pass({ program: 7 }), pass({ program: 7 }), row({ program: 8 }), row({ program: 9, ...type }), row({ problem: 1, program: 10 }), row({ problem: 1, program: 10 })]; // prettier-ignore
    const { samples, programs, distinct, outcomes, categories } = programShares(rows, over(2));
    expect([samples, programs, distinct.value]).toEqual([7, 4, 4 / 7]);
    expect(outcomes.filter((each) => each.samples > 0)).toMatchObject([
      { outcome: 'pass', samples: 3, ofSamples: { value: 3 / 7 }, programs: 1, ofPrograms: { value: 1 / 4 } },
      { outcome: 'crash', samples: 4, ofSamples: { value: 4 / 7 }, programs: 3, ofPrograms: { value: 3 / 4 } },
    ]);
    expect(categories).toMatchObject([
      { code: '4.1', samples: 3, ofSamples: { value: 3 / 4 }, programs: 2, ofPrograms: { value: 2 / 3 } },
      { code: '4.4', samples: 1, ofSamples: { value: 1 / 4 }, programs: 1, ofPrograms: { value: 1 / 3 } },
    ]);
  });

  it('with two outcomes count in both', () => {
    const rows = [pass({ program: 7 }), row({ program: 7 })];
    const { programs, outcomes } = programShares(rows, over(1));
    expect([programs, outcomes.reduce((sum, each) => sum + each.programs, 0)]).toEqual([1, 2]);
  });
});

describe('distributions', () => {
  const problems = [
    { taskId: 'A', difficulty: 2 },
    { taskId: 'B', difficulty: 1 },
    { taskId: 'C', difficulty: null },
  ];
  const of = (rows: readonly AnalysisRow[], dimension: string, temperature: string | null = '0.8'): Distribution =>
    finish(distributionSteps(rows, problems, { temperature }, over(3))).find((each) => each.dimension === dimension)!;

  it('have a group for each value, in order, what is not recorded last', () => {
    const rows = [pass({ problem: 0 }), row({ problem: 0 }), row({ problem: 1 }), row({ problem: 1, ...type }), row({ problem: 1, ...type }), pass({ problem: 2 })]; // prettier-ignore
    const found = of(rows, 'difficulty');
    expect(found).toMatchObject({ missing: null, unit: null });
    expect(found.groups.map(({ value, samples, failures }) => [value, samples, failures])).toEqual([
      ['1', 3, 3],
      ['2', 2, 1],
      [null, 1, 0],
    ]);
    expect(found.groups[0]).toMatchObject({
      problems: 1,
      pass: { value: 0, low: null, method: 'none' },
      crash: { value: 1 },
      outcomes: { crash: 3 },
      categories: [
        { code: '4.1', count: 1, share: 1 / 3 },
        { code: '4.4', count: 2, share: 2 / 3 },
      ],
    });
    expect(of(rows, 'problem').groups.map(({ value }) => value)).toEqual(['A', 'B', 'C']);
  });

  it('have intervals over problems where a group has several', () => {
    const rows = [0, 1, 2].flatMap((problem) => [pass({ problem, tokens: 20 }), row({ problem, tokens: 20, ...(problem === 2 ? wrong : {}) }), row({ problem, tokens: 40 })]); // prettier-ignore
    const [short] = of(rows, 'length').groups;
    expect(short).toMatchObject({ samples: 6, problems: 3, pass: { value: 0.5 }, crash: { value: 1 / 3, method: 'bca' } });
    expect(short!.crash.low).toBeLessThan(1 / 3);
    expect(short!.crash.high).toBeGreaterThan(1 / 3);
  });

  it('put lengths into ranges that double, of characters where no tokens are known', () => {
    const lengths = (fields: 'tokens' | 'characters', counts: number[]): (string | null)[] =>
      of(counts.map((count) => row({ tokens: 0, [fields]: count })), 'length').groups.map(({ value }) => value); // prettier-ignore
    expect(lengths('tokens', [0, 15, 16, 31, 32, 127, 128, 129])).toEqual(['0 to 15', '16 to 31', '32 to 63', '64 to 127', '128 to 255']);
    expect(lengths('characters', [0, 64, 63, 200])).toEqual(['0 to 63', '64 to 127', '128 to 255']);
    expect(of([row({ tokens: 20 }), row({ tokens: 50 })], 'length').unit).toBe('tokens');
  });

  it('say so where all samples are alike, and make no table of one row', () => {
    const rows = [pass(), row()];
    expect(of(rows, 'strategy')).toEqual({ dimension: 'strategy', unit: null, groups: [], missing: 'all samples have one strategy: nucleus' }); // prettier-ignore
    expect(of(rows, 'temperature').missing).toBe('all samples have one temperature: 0.8');
    expect(of(rows, 'temperature', null).missing).toBe('no temperature is recorded');
    expect(of(rows, 'length').missing).toBe('all samples have one length: 16 to 31 tokens');
    expect(of([row({ problem: 2 })], 'difficulty').missing).toBe('no difficulty is recorded');
    expect(of([], 'strategy').missing).toBe('no sample counts');
    expect(of([row(), row({ strategy: 'greedy' })], 'strategy').groups).toHaveLength(2);
  });
});

describe('co-occurrence', () => {
  it('of tags is counted by category, with the share that all failures have', () => {
    const rows = [row({ tags: ['a', 'b'], generationCode: '1.1' }), row({ tags: ['a'] }), row({ ...type, tags: ['b'] }), row({ ...type }), pass({ tags: ['a'] })]; // prettier-ignore
    expect(coOccurrence(rows).tags).toEqual([
      { code: '4.1', name: 'crash.name_error', tag: 'a', kind: 'tag', count: 2, share: 1, overall: 0.5, lift: 2 },
      { code: '4.1', name: 'crash.name_error', tag: '1.1', kind: 'generation', count: 1, share: 0.5, overall: 0.25, lift: 2 },
      { code: '4.1', name: 'crash.name_error', tag: 'b', kind: 'tag', count: 1, share: 0.5, overall: 0.5, lift: 1 },
      { code: '4.4', name: 'crash.type_error', tag: 'b', kind: 'tag', count: 1, share: 0.5, overall: 0.5, lift: 1 },
    ]);
    // A category is nothing else that is true of its samples.
    const truncated = { categoryCode: '1.1', categoryName: 'generation.truncated', generationCode: '1.1' };
    expect(coOccurrence([row(truncated), row({ ...truncated, tags: ['a'] }), row({ generationCode: '1.1' })]).tags).toMatchObject([
      { code: '1.1', tag: 'a', count: 1 },
      { code: '4.1', tag: '1.1', kind: 'generation', overall: 1, lift: 1 },
    ]);
    // Nor is the leaf that a category of the config's own is over; what else it is made of is told.
    const own = { categoryCode: '1.3:loop', categoryName: 'generation.loop', tags: [] };
    expect(coOccurrence([row({ ...own, generationCode: '1.3' }), row({ ...own, generationCode: '1.1' })]).tags).toMatchObject([
      { code: '1.3:loop', tag: '1.1', kind: 'generation', count: 1 },
    ]);
  });

  it('of categories is counted by problem, beside what independence would give', () => {
    const rows = [row({ problem: 0 }), row({ problem: 0, ...type }), row({ problem: 0, ...type }), row({ problem: 1 }), row({ problem: 2, ...type }), row({ problem: 2 }), pass({ problem: 3 }), row({ problem: 3, ...wrong })]; // prettier-ignore
    expect(coOccurrence(rows).problems).toEqual([
      {
        a: { code: '4.1', name: 'crash.name_error' },
        b: { code: '4.4', name: 'crash.type_error' },
        both: 2,
        withA: 3,
        withB: 2,
        expected: 1.5,
      },
    ]);
  });
});

describe('the spread of numbers', () => {
  it('has tenths whose edges belong to one side', () => {
    const edges = Array.from({ length: 11 }, (_, tenth) => tenth / 10);
    const spreadOf = (values: readonly number[], lower: 'below' | 'above') => spread(values.map((position) => ({ position, problem: 0 })), lower, over(1)); // prettier-ignore
    expect(spreadOf(edges, 'below').histogram).toEqual([2, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(spreadOf(edges, 'above').histogram).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    // Shares of whole numbers, as positions are.
    expect(spreadOf([3 / 30, 6 / 20, 7 / 10, 14 / 20], 'below').histogram).toEqual([1, 0, 1, 0, 0, 0, 2, 0, 0, 0]);
    expect(spreadOf([0.4, 0.1, 0.2, 0.3, 0.5], 'below').quartiles).toEqual([0.2, 0.3, 0.4]);
    expect(spreadOf([], 'below')).toEqual({ count: 0, quartiles: null, intervals: null, histogram: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
  });
});

describe('intervals of quartiles', () => {
  /** Each problem's samples fail near one place. */
  const clustered = (problems: number, each: number) =>
    Array.from({ length: problems }, (_, problem) =>
      Array.from({ length: each }, (_, i) => ({ position: ((problem * 7) % problems) / problems + i / each / 50, problem })),
    ).flat();

  it('are by bootstrap over problems: more samples of the same problems make no quartile surer, more problems do', () => {
    const widths = (problems: number, each: number): number[] =>
      spread(clustered(problems, each), 'above', over(problems)).intervals!.map(({ low, high, method }) => {
        expect(method).toBe('bca');
        return high! - low!;
      });
    const [few, more, many] = [widths(20, 5), widths(20, 50), widths(180, 5)];
    few.forEach((width, i) => {
      expect(more[i]! / width).toBeGreaterThan(0.8);
      expect(many[i]! / width).toBeLessThan(0.6);
    });
  });

  it('hold their quartile, and are none where resampling cannot vary it', () => {
    const { quartiles, intervals } = spread(clustered(30, 10), 'above', over(30));
    intervals!.forEach(({ low, high }, i) => {
      expect(low!).toBeLessThan(quartiles![i]!);
      expect(high!).toBeGreaterThan(quartiles![i]!);
    });
    expect(spread([{ position: 0.5, problem: 3 }], 'above', over(5)).intervals).toEqual(
      Array(3).fill({ low: null, high: null, method: 'none' }),
    );
  });
});

describe('the failing line', () => {
  it('is placed along the program, and what has none is counted by why', () => {
    const rows = [
      row({ failingLine: 1, lines: 4 }),
      row({ failingLine: 4, lines: 4 }),
      row({ failingLine: 5, lines: 4, ...type }), // behind the last written line
      row({ failingLine: 1, lines: 1 }),
      row({ failingLine: 0, lines: 4 }),
      row(wrong),
      pass({ failingLine: 2 }),
    ];
    const found = failurePosition(rows, over(1));
    expect(found).toMatchObject({ failures: 6, withoutLine: 1, inPrompt: 1, oneLine: 1 });
    expect(found.position).toMatchObject({ count: 3, quartiles: [0.625, 1, 1], histogram: [0, 0, 1, 0, 0, 0, 0, 0, 0, 2] });
    expect(found.categories.map(({ code, position, oneLine }) => [code, position.count, oneLine])).toEqual([
      ['4.1', 2, 1],
      ['4.4', 1, 0],
    ]);
  });
});

describe('the first divergence', () => {
  const tokens = (taskId: string, outcome: string, ids: number[], category: Partial<TokenSample> = {}): TokenSample => ({
    strategy: 's',
    taskId,
    sampleIndex: 0,
    outcome,
    ...(outcome === 'pass' || outcome === 'infra' ? { categoryCode: null, categoryName: null } : name),
    tokens: {
      tokens: Int32Array.from(ids),
      logprobs: Float32Array.from(ids, (id) => -id / 8),
      entropies: Float32Array.from(ids, (id) => id / 4),
    },
    ...category,
  });

  it('is the end of the longest beginning that any passing sibling has', () => {
    const found = firstDivergence([
      tokens('A', 'pass', [1, 2, 3, 4]),
      tokens('A', 'crash', [1, 2, 5, 6]), // leaves both at the third token: 2 of 4
      tokens('A', 'pass', [1, 2, 7]),
      tokens('A', 'crash', [8, 2], type), // at once
      tokens('A', 'crash', [1, 2]), // the beginning of one that passes
      tokens('A', 'crash', [1, 2, 7, 4]), // goes on where one has ended: 3 of 4
      tokens('A', 'crash', []),
      tokens('A', 'infra', [9]),
      tokens('B', 'crash', [1, 2, 5, 6]), // passes of A are no siblings
    ]);
    expect(found).toMatchObject({ failures: 6, withoutTokens: 1, withoutSibling: 1, beginnings: 1, missing: null });
    expect(found.position).toMatchObject({ count: 3, quartiles: [0.25, 0.5, 0.625], histogram: [1, 0, 0, 0, 0, 1, 0, 1, 0, 0] });
    // Tokens 5, 8 and 4, each id an eighth; samples of means 3.5, 5 and 3.5.
    expect(found.logprob).toMatchObject({ at: -(5 + 8 + 4) / 3 / 8, overall: -(3.5 + 5 + 3.5) / 3 / 8 });
    expect(found.entropy).toMatchObject({ at: (5 + 8 + 4) / 3 / 4, overall: 1 });
    // All of one problem: resampling varies nothing, and a mean of nats is no share that Wilson's interval could be of.
    const none = { low: null, high: null, method: 'none' };
    expect([found.entropy!.intervals, found.logprob!.intervals]).toEqual([{ at: none, overall: none }, { at: none, overall: none }]); // prettier-ignore
    expect(found.categories.map(({ code, position }) => [code, position.count])).toEqual([
      ['4.1', 2],
      ['4.4', 1],
    ]);
  });

  it('has means with intervals by bootstrap over problems, those without a failure among them', () => {
    const samples = Array.from({ length: 30 }, (_, problem) => [
      tokens(`T/${problem}`, 'pass', [1, 2, 3]),
      ...(problem % 3 === 0 ? [] : Array.from({ length: 1 + (problem % 4) }, () => tokens(`T/${problem}`, 'crash', [1, 5 + problem, 3]))),
    ]).flat();
    const { logprob } = firstDivergence(samples, { resamples: 499, seed: 2n });
    const failing = Array.from({ length: 30 }, (_, problem) => (problem % 3 === 0 ? 0 : 1 + (problem % 4)));
    const { value, low, high, method } = new Bootstrap(30, { resamples: 499, seed: 2n }).ratio(failing.map((count, problem) => (-count * (5 + problem)) / 8), failing); // prettier-ignore
    expect(logprob!.at).toBeCloseTo(value!, 12);
    expect(logprob!.intervals.at).toEqual({ low, high, method });
    expect(method).toBe('bca');
  });

  it.each<[TokenSample[], RegExp]>([
    [[], /no sample failed/],
    [[tokens('A', 'pass', [1])], /no sample failed/],
    [[tokens('A', 'crash', []), tokens('A', 'pass', [])], /not stored/],
    [[tokens('A', 'crash', [1]), tokens('B', 'pass', [1])], /no problem has both/],
    [[tokens('A', 'crash', [1]), tokens('A', 'pass', [1, 2])], /beginning of one that passes, or/],
  ])('says why there is none', (samples, reason) => {
    expect(firstDivergence(samples)).toMatchObject({ missing: expect.stringMatching(reason) as string, logprob: null, entropy: null });
  });

  it('says what kept the tokens from being read', () => {
    expect(unknownDivergence('no such file')).toMatchObject({ failures: 0, missing: 'no such file' });
  });
});
