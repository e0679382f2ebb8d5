/** Several stored experiments by their settings, counted by hand: what is compared, what is pooled, and what else differs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import type { ConfigValues } from '../../../src/config/schema.js';
import { analyzeBySetting, analyzeBySettingInTurns, analyzeStored } from '../../../src/pipeline/analyze.js';
import { diffStored, diffStoredInTurns } from '../../../src/pipeline/diff.js';
import { Progress } from '../../../src/pipeline/progress.js';
import { bySetting, type BySetting, type SettingName, type SettingTable } from '../../../src/reports/analysis/by-setting.js';
import { Bootstrap } from '../../../src/reports/statistics/bootstrap.js';
import type { Outcome } from '../../../src/sandbox/verdict.js';
import { Store } from '../../../src/store/store.js';
import type { DecisionRow, JudgedSample, ProblemRow } from '../../../src/store/types.js';
import { sample as judged } from '../reports/judged-samples.js';
import { verdict } from '../sandbox/verdicts.js';
import { decision, manifest, problems, sample } from '../store/rows.js';

const folder = mkdtempSync(path.join(tmpdir(), 'faultline-analyze-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const file = path.join(folder, 'faultline.db');
const { values } = loadConfig({ environment: {}, flags: [{ key: 'outputs.database', flag: '--db', text: file }] });

const [A, B, C, D] = problems(4) as [ProblemRow, ProblemRow, ProblemRow, ProblemRow];
const SAME = [A, B, C];

/** What a letter of a problem's samples stands for. */
const ENDINGS: Readonly<Record<string, readonly [Outcome, Partial<DecisionRow>]>> = {
  P: [{ status: 'passed' }, {}],
  N: [
    { status: 'limit', resource: 'cpu', exception: null },
    { outcome: 'crash', categoryCode: '4.1', categoryName: 'crash.name_error' },
  ],
  T: [
    { status: 'limit', resource: 'cpu', exception: null },
    { outcome: 'crash', categoryCode: '4.10', categoryName: 'crash.other' },
  ],
  W: [
    { status: 'limit', resource: 'cpu', exception: null },
    { outcome: 'wrong', categoryCode: '8.12', categoryName: 'wrong.all' },
  ],
  I: [
    { status: 'infra', reason: 'lost' },
    { outcome: 'infra', categoryCode: '0', categoryName: 'infra' },
  ],
};

interface Made {
  readonly config: Readonly<Record<string, unknown>>;
  readonly strategy?: string;
  readonly hash?: string;
  readonly seed?: string;
  /** The samples of each problem, a letter each. */
  readonly samples: readonly (readonly [ProblemRow, string])[];
}

/** Each sample has 5 tokens and 0.25 s of CPU time; samples of one letter of a problem are one program. */
function make(store: Store, name: string, { config, strategy = 'nucleus', hash, seed = '1', samples }: Made): void {
  const text = JSON.stringify({ experiment: name, ...config });
  const { id } = store.beginExperiment(manifest({ name, config: text, seed, ...(hash === undefined ? {} : { hash }) }));
  store.addProblems(id, samples.map(([problem], position) => ({ ...problem, position }))); // prettier-ignore
  for (const [problem, letters] of samples) {
    for (const [index, letter] of Array.from(letters).entries()) {
      const completion = `    return '${letter}'\n`;
      store.addSamples(id, [
        sample(problem, index, {
          strategy,
          completion,
          rawText: completion,
          cut: completion.length,
          tokens: new Int32Array(5),
          logprobs: new Float32Array(5),
          entropies: new Float32Array(5),
        }),
      ]);
      const [outcome, made] = ENDINGS[letter]!;
      const judged = verdict(outcome, { cpuSeconds: 0.25, wallSeconds: 0.5 });
      store.addExecutions(id, [{ strategy, taskId: problem.taskId, sampleIndex: index, verdict: judged, ...decision(made) }]);
    }
  }
}

const at = (temperature: number, more: object = {}): Made['config'] => ({ 'strategy.temperature': temperature, 'strategy.top_p': 0.9, ...more }); // prettier-ignore

beforeAll(() => {
  using store = Store.open(file);
  const wanted: readonly (readonly [string, Made])[] = [
    ['hot', { config: at(1.2), samples: [[A, 'NN'], [B, 'PW'], [C, 'TW']] }], // prettier-ignore
    ['cool', { config: at(0.4), samples: [[A, 'PN'], [B, 'PP'], [C, 'NW']] }], // prettier-ignore
    ['cold', { config: at(0.4, { 'strategy.top_p': 0.8 }), samples: [[A, 'PP'], [B, 'TW'], [C, 'PI']] }], // prettier-ignore
    ['wide', { config: at(1.2), samples: [[A, 'PW'], [B, 'I'], [{ ...C, test: `${C.test}#` }, 'P'], [D, 'P']] }], // prettier-ignore
    ['more', { config: at(0.4), samples: [[A, 'P'], [B, 'N'], [C, 'P'], [D, 'P']] }], // prettier-ignore
    ['back', { config: at(1.2), samples: [[D, 'PP'], [C, 'NW'], [B, 'PP'], [A, 'PN']] }], // prettier-ignore
    ['longer', { config: at(0.4, { samples: 3 }), samples: [[A, 'PNP'], [B, 'PPP'], [C, 'NWP']] }], // prettier-ignore
    ['greedy', { config: at(0), strategy: 'greedy', samples: SAME.map((problem) => [problem, 'P']) }],
    ['greedy2', { config: at(0, { seed: 2 }), strategy: 'greedy', seed: '2', samples: SAME.map((problem) => [problem, 'P']) }],
    ['named', { config: at(0.8, { 'strategy.name': 'greedy' }), strategy: 'greedy', samples: SAME.map((problem) => [problem, 'P']) }],
    [
      'named2',
      {
        config: at(0.8, { 'strategy.name': 'greedy', seed: 2 }),
        strategy: 'greedy',
        seed: '2',
        samples: SAME.map((problem) => [problem, 'P']),
      },
    ],
    // What is left over beside greedy decoding, or is off, changes no draw.
    [
      'named3',
      {
        config: at(0.2, { 'strategy.name': 'greedy', 'strategy.top_p': 0.5, 'strategy.top_k': 40 }),
        strategy: 'greedy',
        samples: SAME.map((problem) => [problem, 'P']),
      },
    ],
    ['off', { config: at(0.4, { 'strategy.name': 'nucleus', 'strategy.top_k': 0, 'strategy.eta': 0 }), samples: [[A, 'PN'], [B, 'PP'], [C, 'NW']] }], // prettier-ignore
    ['beam', { config: at(0.4, { 'strategy.beams': 4 }), samples: [[A, 'PN'], [B, 'PP'], [C, 'NW']] }], // prettier-ignore
    ['elsewhere', { config: {}, strategy: 'import', samples: SAME.map((problem) => [problem, 'W']) }],
    ['again', { config: at(0.5), hash: `aaaa${'0'.repeat(60)}`, samples: [[A, 'P']] }], // prettier-ignore
    ['again', { config: at(0.6), hash: `bbbb${'0'.repeat(60)}`, samples: [[A, 'N']] }], // prettier-ignore
    ['nothing', { config: at(0.7), samples: [] }],
  ];
  for (const [name, made] of wanted) make(store, name, made);
});

/** A clock on which every look is a second after the last: each step is long enough for a turn, and every line is due. */
function clock(): () => number {
  let now = 0;
  return () => (now += 1_000);
}

type InTurns = (values: ConfigValues, names: [string, string], signal: AbortSignal, progress: Progress) => Promise<unknown>;

/** Stops a computation over `cool` and `hot` at the first line of progress about each label, and expects that it ends by that. */
async function expectStops(work: InTurns, labels: readonly string[]): Promise<void> {
  for (const stopped of labels) {
    const stop = new AbortController();
    vi.spyOn(performance, 'now').mockImplementation(clock());
    const progress = new Progress({
      isTTY: true,
      columns: 200,
      write: (text) => text.includes(stopped) && stop.abort(new Error(stopped)),
    });
    await expect(work(values, ['cool', 'hot'], stop.signal, progress)).rejects.toThrow(stopped);
    vi.restoreAllMocks();
  }
}

const compare = (...names: string[]): BySetting => analyzeBySetting(values, names).bySetting;
const table = (found: BySetting, setting: SettingName): SettingTable => found.tables.find((each) => each.setting === setting)!;

describe('analyzeBySetting', () => {
  it('counts each experiment by itself, with intervals over the problems', () => {
    const found = compare('hot', 'cool');
    expect(found.problems).toEqual({ compared: 3, notInAll: 0, changed: 0, notJudged: 0 });
    expect(found.differing).toEqual([{ key: 'strategy.temperature', values: ['1.2', '0.4'] }]);
    const { groups, missing } = table(found, 'experiment');
    expect(missing).toBeNull();
    const over = new Bootstrap(3);
    const two = [2, 2, 2];
    expect(groups).toMatchObject([
      {
        value: 'hot',
        experiments: ['hot'],
        samples: 6,
        problems: 3,
        failures: 5,
        pass: over.ratio([0, 1, 0], two),
        crash: over.ratio([2, 0, 1], two),
        outcomes: { pass: 1, crash: 3, wrong: 2 },
        families: [
          { code: '4', name: 'crash', count: 3, share: over.ratio([2, 0, 1], [2, 1, 2]) },
          { code: '8', name: 'wrong answer', count: 2, share: over.ratio([0, 1, 1], [2, 1, 2]) },
        ],
        // Two samples of A are one program.
        costs: { tokens: 30, executions: 5, cpuSeconds: 1.25, wallSeconds: 2.5 },
      },
      {
        value: 'cool',
        samples: 6,
        failures: 3,
        pass: over.ratio([1, 2, 0], two),
        crash: over.ratio([1, 0, 1], two),
        families: [
          { code: '4', count: 2, share: { value: 2 / 3 } },
          { code: '8', count: 1, share: { value: 1 / 3 } },
        ],
        costs: { tokens: 30, executions: 5 },
      },
    ]);
    expect(groups[0]!.pass).toMatchObject({ value: 1 / 6, method: 'bca' });
    expect(found.intervals).toEqual({ confidence: 0.95, resamples: 9_999, seed: '0' });
    expect(found.warnings.map(({ rule }) => rule)).toEqual(['few_problems']);
  });

  it('tells temperatures apart in their order, and says that there is one strategy', () => {
    const found = compare('hot', 'cool');
    expect(table(found, 'temperature').groups.map(({ value, experiments }) => [value, experiments])).toEqual([
      ['0.4', ['cool']],
      ['1.2', ['hot']],
    ]);
    expect(table(found, 'temperature').alsoDiffer).toEqual([]);
    expect(table(found, 'strategy')).toMatchObject({ groups: [], missing: 'all samples have one strategy: nucleus' });
  });

  it('pools experiments of one value and the same problems, and names what else differs', () => {
    const found = compare('cool', 'hot', 'cold');
    const { groups, alsoDiffer } = table(found, 'temperature');
    const over = new Bootstrap(3);
    expect(groups).toMatchObject([
      {
        value: '0.4',
        experiments: ['cool', 'cold'],
        // One of the twelve does not count.
        samples: 11,
        failures: 5,
        pass: over.ratio([3, 2, 1], [4, 4, 3]),
        crash: over.ratio([1, 1, 1], [4, 4, 3]),
        families: [
          { code: '4', count: 3, share: { value: 3 / 5 } },
          { code: '8', count: 2, share: { value: 2 / 5 } },
        ],
        // Each experiment executed its own programs: 2 + 1 + 2 and 1 + 2 + 1.
        costs: { tokens: 55, executions: 9, cpuSeconds: 2.25, wallSeconds: 4.5 },
      },
      { value: '1.2', experiments: ['hot'], samples: 6 },
    ]);
    expect(groups).toHaveLength(2);
    expect(alsoDiffer).toEqual(['strategy.top_p']);
  });

  it('keeps experiments of one value apart whose problems are not the same', () => {
    const found = compare('cool', 'more', 'hot');
    expect(found.problems).toEqual({ compared: 3, notInAll: 1, changed: 0, notJudged: 0 });
    expect(table(found, 'temperature').groups.map(({ value, experiments, samples }) => [value, experiments, samples])).toEqual([
      ['0.4', ['cool'], 6],
      ['0.4', ['more'], 3],
      ['1.2', ['hot'], 6],
    ]);
  });

  it('keeps experiments apart that drew the same samples', () => {
    const experimentsOf = (...names: string[]): unknown =>
      table(compare(...names), 'temperature').groups.map(({ experiments }) => experiments);
    expect(experimentsOf('cool', 'longer', 'hot')).toEqual([['cool'], ['longer'], ['hot']]);
    // Greedy asks for no seed.
    expect(experimentsOf('greedy', 'greedy2', 'hot')).toEqual([['greedy'], ['greedy2'], ['hot']]);
    expect(experimentsOf('named', 'named2', 'hot')).toEqual([['named'], ['named2'], ['hot']]);
    expect(experimentsOf('greedy', 'named', 'named3', 'hot')).toEqual([['greedy'], ['named'], ['named3'], ['hot']]);
    expect(experimentsOf('cool', 'off', 'hot')).toEqual([['cool'], ['off'], ['hot']]);
    // Of an entry that this version does not know, nobody can say that it changes nothing.
    expect(experimentsOf('cool', 'beam', 'hot')).toEqual([['cool', 'beam'], ['hot']]);
  });

  it('compares only the problems that are the same in all and judged in all', () => {
    const found = compare('cool', 'wide');
    expect(found.problems).toEqual({ compared: 1, notInAll: 1, changed: 1, notJudged: 1 });
    expect(found.experiments.map(({ label, problems }) => [label, problems])).toEqual([
      ['cool', 3],
      ['wide', 4],
    ]);
    expect(table(found, 'experiment').groups).toMatchObject([
      { samples: 2, problems: 1, pass: { value: 1 / 2, method: 'none' }, costs: { tokens: 10, executions: 2 } },
      {
        samples: 2,
        problems: 1,
        pass: { value: 1 / 2 },
        families: [{ code: '8', count: 1, share: { value: 1, low: null, high: null, method: 'none' } }],
      },
    ]);
  });

  it('resamples the same problems of each, wherever they stand in its file', () => {
    const [cool, back] = table(compare('cool', 'back'), 'experiment').groups;
    expect(back).toEqual({ ...cool, value: 'back', experiments: ['back'] });
  });

  it('says so where nothing can be compared', () => {
    const found = compare('cool', 'nothing');
    expect(found.problems).toEqual({ compared: 0, notInAll: 3, changed: 0, notJudged: 0 });
    for (const { groups, missing } of found.tables) {
      expect(groups).toEqual([]);
      expect(missing).toBe('no problem is the same in all, with a judged sample in each');
    }
    expect(found.warnings).toEqual([]);
  });

  it('takes a parameter of a strategy for the strategy only where that settles it', () => {
    expect(table(compare('cool', 'greedy'), 'strategy').alsoDiffer).toEqual(['strategy.temperature']);
    const { groups, alsoDiffer } = table(compare('cool', 'cold', 'greedy'), 'strategy');
    expect(groups.map(({ value, experiments }) => [value, experiments])).toEqual([
      ['nucleus', ['cool', 'cold']],
      ['greedy', ['greedy']],
    ]);
    expect(alsoDiffer).toEqual(['strategy.temperature', 'strategy.top_p']);
  });

  it('has what is greedy by name at temperature 0, alone and beside others', () => {
    const { groups } = table(compare('named', 'hot'), 'temperature');
    expect(groups.map(({ value, experiments }) => [value, experiments])).toEqual([
      ['0', ['named']],
      ['1.2', ['hot']],
    ]);
    const alone = analyzeStored(values, 'named').distributions.find(({ dimension }) => dimension === 'temperature');
    expect(alone?.missing).toBe('all samples have one temperature: 0');
  });

  it('puts a temperature that is not recorded last', () => {
    const { groups } = table(compare('elsewhere', 'hot', 'greedy'), 'temperature');
    expect(groups.map(({ value }) => value)).toEqual(['0', '1.2', null]);
  });

  it('tells experiments of one name by their hashes', () => {
    const found = compare('aaaa0000', 'bbbb0000');
    expect(found.experiments.map(({ label }) => label)).toEqual(['again@aaaa00000000', 'again@bbbb00000000']);
  });

  it('is the same in turns, and stops among the samples of any experiment', async () => {
    const never = new AbortController().signal;
    expect(await analyzeBySettingInTurns(values, ['cool', 'hot'], never)).toEqual(analyzeBySetting(values, ['cool', 'hot']));
    await expectStops(analyzeBySettingInTurns, ['samples of cool', 'samples of hot']);
  });

  it('holds the analysis of the first beside the comparison', () => {
    const { bySetting, ...first } = analyzeBySetting(values, ['cool', 'hot']);
    expect(bySetting.experiments).toHaveLength(2);
    expect(first).toEqual(analyzeStored(values, 'cool'));
  });

  it('refuses samples of several strategies, and outcomes of a later version', () => {
    const one = { label: 'x', hash: 'x', temperature: null, questions: new Map([['Pico/0', '']]), draws: '', marks: [] };
    const of =
      (...samples: JudgedSample[]) =>
      () =>
        bySetting([{ ...one, samples }], []);
    expect(of(judged(), judged({ strategy: 'other' }))).toThrow(expect.objectContaining({ kind: 'usage' }));
    expect(of(judged(), judged({ outcome: 'new' }))).toThrow(expect.objectContaining({ kind: 'input' }));
  });

  it('refuses a name that is not there, and one experiment twice', () => {
    expect(() => compare('cool', 'tepid')).toThrow(
      expect.objectContaining({ kind: 'input', hint: expect.stringMatching(/^There are: hot, cool, cold, /) as string }),
    );
    expect(() => compare('cool', 'hot', 'cool')).toThrow(expect.objectContaining({ kind: 'usage', message: expect.stringContaining('names cool twice') as string })); // prettier-ignore
  });
});

describe('diffStoredInTurns', () => {
  it('is the same as in one go, and stops among the samples of either', async () => {
    const never = new AbortController().signal;
    expect(await diffStoredInTurns(values, ['cool', 'hot'], never)).toEqual(diffStored(values, ['cool', 'hot'], undefined));
    await expectStops(diffStoredInTurns, ['samples of the first', 'samples of the second']);
  });
});
