/** The text view: areas counted again pair by pair, small classes refused by name, and disagreements that are distinct programs. */
import { describe, expect, it } from 'vitest';
import { PhiloxStream } from '../../../src/reports/statistics/philox.js';
import { AREAS, LEAST, textView } from '../../../src/reports/text-view.js';
import type { MeasuredSample, StoredMeasures } from '../../../src/store/types.js';
import { measureText } from '../../../src/text-metrics/measure-text.js';
import { MEASURES, type MeasureKey } from '../../../src/text-metrics/measures.js';
import { judgedSamples, measuredSamples } from './judged-samples.js';

const FAST = { resamples: 199 };
const rows = measuredSamples(judgedSamples(24, 15));
const view = textView(rows, FAST)!;
const counted = rows.filter(({ outcome }) => outcome !== 'infra');
const isCrash = ({ outcome }: MeasuredSample): boolean => outcome === 'load' || outcome === 'crash';
const isPass = ({ outcome }: MeasuredSample): boolean => outcome === 'pass';

const plain = measureText({ completion: '    return 1\n', reference: null });
/** A sample of a task with some measures. */
function row(
  task: number,
  sampleIndex: number,
  fields: Partial<MeasuredSample> = {},
  measures: Partial<StoredMeasures> = {},
): MeasuredSample {
  return {
    strategy: 's',
    taskId: `T/${task}`,
    sampleIndex,
    completion: `    return ${sampleIndex}\n`,
    outcome: 'pass',
    categoryCode: null,
    categoryName: null,
    measures: { ...plain, ...measures },
    ...fields,
  };
}

/** Wins of positives over negatives, ties half, by comparing every pair. */
function byPairs(positives: readonly number[], negatives: readonly number[]): number | null {
  let wins = 0;
  for (const p of positives) for (const n of negatives) wins += p > n ? 1 : p === n ? 0.5 : 0;
  return positives.length === 0 || negatives.length === 0 ? null : wins / (positives.length * negatives.length);
}

function areasByPairs(of: readonly MeasuredSample[], key: MeasureKey, isPositive: (row: MeasuredSample) => boolean) {
  const split = (own: readonly MeasuredSample[]): number | null => {
    const valued = own.filter(({ measures }) => measures![key] !== null);
    const values = (side: boolean): number[] => valued.filter((each) => isPositive(each) === side).map(({ measures }) => measures![key]!);
    return byPairs(values(true), values(false));
  };
  const tasks = [...new Set(of.map(({ taskId }) => taskId))];
  const own = tasks.map((task) => split(of.filter(({ taskId }) => taskId === task))).filter((area) => area !== null);
  return { pooled: split(of), within: own.reduce((sum, area) => sum + area, 0) / own.length, mixed: own.length };
}

it('asks for as many areas with intervals over all pairs as it says', () => {
  const large = view.categories.filter(({ samples, problems }) => samples >= LEAST.samples && problems >= LEAST.problems).length;
  expect(large).toBeGreaterThan(0);
  const areas = view.targets.filter(({ against }) => against === 'rest').flatMap(({ measures }) => measures);
  expect(areas).toHaveLength(AREAS.overall + large * AREAS.ofCategory);
  const others = view.targets.filter(({ against }) => against === 'pass').flatMap(({ measures }) => measures);
  expect(others).toHaveLength(large * MEASURES.length);
  expect(others.filter(({ pooled }) => pooled.value !== null).length).toBeGreaterThan(0);
  expect(others.filter(({ pooled }) => pooled.low !== null)).toEqual([]);
});

describe('areas', () => {
  it('are those of all pairs, pooled and within problems, for pass, crash and each large category', () => {
    let compared = 0;
    for (const { kind, code, against, measures } of view.targets) {
      const isPositive = kind === 'pass' ? isPass : kind === 'crash' ? isCrash : (each: MeasuredSample) => each.categoryCode === code;
      const of = counted.filter((each) => against === 'rest' || isPass(each) || isPositive(each));
      for (const { measure, pooled, within, mixedProblems, positives, negatives, missing } of measures) {
        const expected = areasByPairs(of, measure, isPositive);
        const valued = of.filter((each) => each.measures![measure] !== null);
        expect(positives).toBe(valued.filter(isPositive).length);
        expect(negatives).toBe(valued.length - positives);
        expect(mixedProblems).toBe(expected.mixed);
        if (missing !== null) continue;
        compared++;
        expect(pooled.value).toBeCloseTo(expected.pooled!, 12);
        expect(within.value).toBeCloseTo(expected.within, 12);
        for (const { low, high, value } of [pooled, within]) if (low !== null) expect(low <= value! && value! <= high!).toBe(true);
      }
    }
    expect(compared).toBeGreaterThan(60);
  });

  it('are asked of every measure, against the rest and against passes', () => {
    expect(view.targets.slice(0, 2).map(({ kind, against }) => [kind, against])).toEqual([
      ['pass', 'rest'],
      ['crash', 'rest'],
    ]);
    for (const { measures } of view.targets) {
      expect(measures.map(({ measure, better }) => [measure, better])).toEqual(MEASURES.map(({ key, better }) => [key, better]));
    }
    const large = view.categories.filter(({ samples, problems }) => samples >= LEAST.samples && problems >= LEAST.problems);
    expect(large.length).toBeGreaterThan(2);
    expect(large.length).toBeLessThan(view.categories.length);
    expect(view.targets.filter(({ kind }) => kind === 'category').map(({ code, against }) => [code, against])).toEqual(
      large.flatMap(({ code }) => [
        [code, 'rest'],
        [code, 'pass'],
      ]),
    );
  });

  it('say how they were made, and are a function of their input', () => {
    expect(view.intervals).toEqual({ confidence: 0.95, resamples: 199, seed: '0' });
    expect(textView(rows.slice(0, 30))!.intervals.resamples).toBe(999);
    expect(textView(rows, FAST)).toEqual(view);
  });

  it('are null with the reason where a class is too small, on either side', () => {
    const of = (passes: number, fails: number, tasks: number): MeasuredSample[] =>
      Array.from({ length: tasks }, (_, task) => [
        ...Array.from({ length: passes }, (_, i) => row(task, i, {}, { bleu: i / 10 })),
        ...Array.from({ length: fails }, (_, i) =>
          row(task, passes + i, { outcome: 'crash', categoryCode: '4.1', categoryName: 'c' }, { bleu: i / 9 }),
        ),
      ]).flat();
    const bleu = (samples: readonly MeasuredSample[]) => textView(samples, FAST)!.targets[0]!.measures[0]!;
    expect(bleu(of(3, 9, 5))).toMatchObject({
      pooled: { value: null, low: null },
      within: { value: null },
      missing: '15 samples of 5 problems in the class; at least 20 of 5 are needed',
    });
    expect(bleu(of(9, 3, 5)).missing).toBe('15 samples of 5 problems beside the class; at least 20 of 5 are needed');
    expect(bleu(of(1, 9, 1)).missing).toBe('1 sample of 1 problem in the class; at least 20 of 5 are needed');
    expect(bleu(of(9, 9, 4)).missing).toBe('36 samples of 4 problems in the class; at least 20 of 5 are needed');
    expect(bleu(of(5, 5, 5))).toMatchObject({ missing: null, positives: 25, negatives: 25, mixedProblems: 5 });
    // Six problems that all pass, six that all fail: every pair is of two problems.
    const apart = [...of(5, 0, 6), ...of(0, 5, 12).filter(({ taskId }) => Number(taskId.slice(2)) >= 6)];
    expect(bleu(apart)).toMatchObject({
      within: { value: null },
      mixedProblems: 0,
      missing: '0 problems have both; at least 5 are needed',
    });
    expect(bleu(apart).pooled.value).not.toBeNull();
    // Without a reference, a measure has no value.
    const references = textView(of(5, 5, 5), FAST)!.targets[0]!.measures.find(({ measure }) => measure === 'chrf')!;
    expect(references).toMatchObject({ positives: 0, negatives: 0, missing: expect.stringContaining('0 samples of 0 problems') as string });
  });

  it('take an infinite perplexity for the largest', () => {
    const samples = Array.from({ length: 6 }, (_, task) =>
      Array.from({ length: 10 }, (_, i) => row(task, i, i < 5 ? {} : { outcome: 'wrong' }, { perplexity: i < 5 ? i + 1 : Infinity })),
    ).flat();
    const area = textView(samples, FAST)!.targets[0]!.measures.find(({ measure }) => measure === 'perplexity')!;
    expect([area.pooled.value, area.within.value]).toEqual([0, 0]);
  });
});

describe('categories', () => {
  /** Twenty problems with five passes and five failures of each kind, so that each class has 100 samples; the rare one is in eight. One differs in length alone. */
  const samples = Array.from({ length: 20 }, (_, task) =>
    Array.from({ length: 5 }, (_, i) => {
      // As similar as the passes, in another order in each problem; and always less similar.
      const alike = ((i + task) % 5) / 10 + 0.3;
      const all = (value: number) =>
        Object.fromEntries(MEASURES.filter(({ needs }) => needs === 'reference').map(({ key }) => [key, value]));
      return [
        row(task, i, {}, all(i / 10 + 0.3)),
        row(task, 10 + i, { outcome: 'wrong', categoryCode: '8.3', categoryName: 'alike' }, all(alike)),
        row(task, 20 + i, { outcome: 'crash', categoryCode: '4.1', categoryName: 'unlike' }, { ...all(alike), bleu: 0.01 }),
        row(task, 40 + i, { outcome: 'resource', categoryCode: '5.1', categoryName: 'long' }, { ...all(alike), characters: 9000 }),
        ...(i < 2 && task < 8 ? [row(task, 30 + i, { outcome: 'crash', categoryCode: '4.2', categoryName: 'rare' }, all(0))] : []),
        ...(task === 0
          ? [5, 6, 7, 8].map((n) => row(90 + i, n, { outcome: 'load', categoryCode: '3.1', categoryName: 'elsewhere' }, all(0)))
          : []),
      ];
    }),
  ).flat(2);
  const found = textView(samples, FAST)!.categories;
  const told = (code: string) => found.find((each) => each.code === code)!;

  it('are told from passes by any measure whose area is not 0.5, given how many are asked', () => {
    expect(told('4.1')).toMatchObject({ told: 'yes', by: ['bleu'], samples: 100, problems: 20, mixedProblems: 20, missing: null });
    expect(told('5.1')).toMatchObject({ told: 'yes', by: ['characters'], missing: null });
  });

  it('are not shown to be told where no area is', () => {
    expect(told('8.3')).toMatchObject({ told: 'not_shown', by: [], mixedProblems: 20, missing: null });
  });

  it('are not told by what chance finds among many', () => {
    // Twelve categories without any difference, each with measures of their own: two hundred looks at nothing.
    const stream = new PhiloxStream(3n);
    const noise = (): Record<string, number> => Object.fromEntries(MEASURES.map(({ key }) => [key, stream.word() / 2 ** 32]));
    const nothing = Array.from({ length: 12 }, (_, task) =>
      Array.from({ length: 4 }, (_, i) => [
        row(task, i, {}, noise()),
        ...Array.from({ length: 12 }, (_, kind) =>
          row(task, 100 * (kind + 1) + i, { outcome: 'wrong', categoryCode: `8.${kind}`, categoryName: `kind ${kind}` }, noise()),
        ),
      ]),
    ).flat(2);
    const view = textView(nothing, FAST)!;
    expect(view.tests).toEqual({ areas: 12 * MEASURES.length, level: 0.05 });
    const areas = view.targets.filter(({ against }) => against === 'pass').flatMap(({ measures }) => measures);
    const leavesOut = ({ low, high }: { low: number | null; high: number | null }): boolean => low! > 0.5 || high! < 0.5;
    // One by one, some of them would be findings.
    expect(areas.filter(({ within }) => leavesOut(within)).length).toBeGreaterThan(0);
    expect(areas.filter(({ adjustedP }) => adjustedP! <= 0.05)).toEqual([]);
    expect(view.categories.every((each) => each.told === 'not_shown')).toBe(true);
    expect(view.targets.filter(({ against }) => against === 'rest').flatMap(({ measures }) => measures).every(({ adjustedP }) => adjustedP === null)).toBe(true); // prettier-ignore
  });

  it('are told by the measures that have values, where an earlier release stored no others, and samples of others have no log-probabilities', () => {
    const lacking = (keys: readonly string[]) =>
      textView(
        samples.map((each) => ({ ...each, measures: { ...each.measures!, ...Object.fromEntries(keys.map((key) => [key, null])) } })),
        FAST,
      )!.categories;
    expect(lacking(['ast_match', 'mean_logprob'])).toEqual(found);
    expect(lacking(['bleu']).find(({ code }) => code === '4.1')).toMatchObject({ told: 'not_shown' });
    const all = MEASURES.map(({ key }) => key);
    expect(lacking(all).find(({ code }) => code === '4.1')).toMatchObject({
      told: 'unknown',
      missing: expect.stringContaining('0 samples of 0 problems') as string,
    });
  });

  it('are unknown where they are rare, or never in a problem with passes', () => {
    expect(told('4.2')).toMatchObject({ told: 'unknown', samples: 16, mixedProblems: null, missing: expect.stringContaining('16 samples of 8 problems') as string }); // prettier-ignore
    expect(told('3.1')).toMatchObject({ told: 'unknown', samples: 20, problems: 5, mixedProblems: 0, missing: expect.stringContaining('0 problems have both') as string }); // prettier-ignore
    expect(found.map(({ code }) => code)).toEqual(['3.1', '4.1', '4.2', '5.1', '8.3']);
  });
});

describe('disagreements', () => {
  it('are the ten distinct programs at the ends, with how many samples have each', () => {
    const similarities = (of: readonly { similarity: number }[]) => of.map(({ similarity }) => similarity);
    const distinct = (isOfKind: (each: MeasuredSample) => boolean): number[] => {
      const seen = new Map(
        counted.filter(isOfKind).map(({ taskId, completion, measures }) => [`${taskId}\n${completion}`, measures!.edit_similarity!]),
      );
      return [...seen.values()].sort((a, b) => a - b);
    };
    expect(similarities(view.similarFailures)).toEqual(distinct((each) => !isPass(each)).reverse().slice(0, 10)); // prettier-ignore
    expect(similarities(view.dissimilarPasses)).toEqual(distinct(isPass).slice(0, 10));
    for (const { taskId, sampleIndex, samples } of [...view.similarFailures, ...view.dissimilarPasses]) {
      const { completion } = counted.find((each) => each.taskId === taskId && each.sampleIndex === sampleIndex)!;
      const same = counted.filter((each) => each.taskId === taskId && each.completion === completion);
      expect([same.length, same[0]!.sampleIndex]).toEqual([samples, sampleIndex]);
    }
  });

  it('leave out what was not executed, and what has no similarity', () => {
    const samples = [
      row(0, 0, { outcome: 'infra', categoryCode: '0' }, { edit_similarity: 1 }),
      row(0, 1, { outcome: 'wrong', categoryCode: '8.3', categoryName: 'wrong.type' }, { edit_similarity: 0.5 }),
      row(0, 2, { outcome: 'wrong' }, { edit_similarity: null }),
      row(0, 3, {}, { edit_similarity: 0.25 }),
    ];
    const { similarFailures, dissimilarPasses } = textView(samples, FAST)!;
    expect(similarFailures).toEqual([
      { taskId: 'T/0', sampleIndex: 1, outcome: 'wrong', categoryCode: '8.3', categoryName: 'wrong.type', similarity: 0.5, samples: 1 },
    ]);
    expect(dissimilarPasses.map(({ sampleIndex }) => sampleIndex)).toEqual([3]);
  });
});

describe('programs', () => {
  it('are counted once for each problem and text', () => {
    const samples = [
      row(0, 0, { completion: 'a' }),
      row(0, 1, { completion: 'a' }),
      row(0, 2, { completion: 'b', outcome: 'wrong' }),
      row(1, 0, { completion: 'a' }),
      row(1, 1, { completion: 'c', outcome: 'infra' }),
    ];
    const { programs } = textView(samples, FAST)!;
    expect([programs.samples, programs.programs]).toEqual([4, 3]);
    expect(programs.outcomes.filter((each) => each.samples > 0)).toMatchObject([
      { outcome: 'pass', samples: 3, programs: 2, share: { value: 2 / 3 } },
      { outcome: 'wrong', samples: 1, programs: 1, share: { value: 1 / 3 } },
    ]);
  });
});

describe('what was not measured', () => {
  it('is counted and left out, and without anything measured there is no view', () => {
    const half = rows.map((each, i) => (i % 2 === 0 ? each : { ...each, measures: null }));
    const partly = textView(half, FAST)!;
    expect(partly.samples + partly.unmeasured).toBe(counted.length);
    expect(partly.unmeasured).toBeGreaterThan(100);
    expect(partly.programs.samples).toBe(counted.length);
    expect(textView(rows.map((each) => ({ ...each, measures: null })), FAST)).toBeNull(); // prettier-ignore
    expect(textView([], FAST)).toBeNull();
    expect(textView([row(0, 0, { outcome: 'infra' })], FAST)).toBeNull();
  });
});
