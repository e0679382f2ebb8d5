/** Which samples the page's browser holds: all where they fit, else the same ones each time, some of every category. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SampleSelection, waterLevel } from '../../../src/reports/browse.js';
import type { CountedOutcome } from '../../../src/reports/outcomes.js';
import { samplesSection } from '../../../src/reports/render/html/sections/samples.js';
import type { BrowsedSamples, ReportData } from '../../../src/reports/report-data.js';
import { summarise } from '../../../src/reports/summary.js';
import type { JudgedSample } from '../../../src/store/types.js';
import { CATEGORIES, EXPERIMENT, HOSTILE, hostileSample, judgedSamples } from './judged-samples.js';

const rows = judgedSamples(60, 20).filter(({ outcome }) => outcome !== 'infra');

function choose(from: readonly JudgedSample[], most?: number): BrowsedSamples {
  const selection = new SampleSelection(most);
  for (const each of from) selection.offer(each, each.outcome as CountedOutcome);
  return selection.choose();
}
const keyOf = ({ taskId, sampleIndex }: { taskId: string; sampleIndex: number }): string => `${taskId} ${sampleIndex}`;
const perCode = (chosen: BrowsedSamples): Map<string | null, number> => {
  const counts = new Map<string | null, number>();
  for (const { categoryCode } of chosen.samples) counts.set(categoryCode, (counts.get(categoryCode) ?? 0) + 1);
  return counts;
};

describe('selection', () => {
  it('is everything, in order, where that fits', () => {
    const all = choose(rows);
    expect(all.perGroup).toBeNull();
    expect(all.samples.map(keyOf)).toEqual(rows.map(keyOf));
  });

  it('takes of each category as many as fit, and rare ones whole', () => {
    const some = choose(rows, 200);
    expect(some.counted).toBe(rows.length);
    expect(some.samples.length).toBeLessThanOrEqual(200);
    expect(some.samples.length).toBeGreaterThan(200 - some.groups.length);
    const counts = perCode(some);
    for (const { code, counted } of some.groups) expect(counts.get(code)).toBe(Math.min(counted, some.perGroup!));
    expect(some.groups.some(({ counted }) => counted < some.perGroup!)).toBe(true);
    const place = new Map(rows.map((each, i) => [keyOf(each), i]));
    const places = some.samples.map((each) => place.get(keyOf(each))!);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('is the same however the samples come, and spreads over problems', () => {
    const some = choose(rows, 150);
    const backwards = choose([...rows].reverse(), 150);
    expect(backwards.samples.map(keyOf).sort()).toEqual(some.samples.map(keyOf).sort());
    // Of sixty problems and about ten samples of each category: not the first problems alone.
    expect(new Set(some.samples.map(({ taskId }) => taskId)).size).toBeGreaterThan(30);
  });

  it('takes at least one of every category where there are more than places for two', () => {
    const few = choose(rows, 20);
    expect(perCode(few).size).toBe(few.groups.length);
  });
});

it('the level is the largest that fits', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 200 }),
      (sizes, most) => {
        const taken = (level: number): number => sizes.reduce((sum, size) => sum + Math.min(size, level), 0);
        const level = waterLevel(sizes, most);
        expect(taken(level)).toBeLessThanOrEqual(most);
        if (taken(Infinity) > most) expect(taken(level + 1)).toBeGreaterThan(most);
        else expect(taken(level)).toBe(taken(Infinity));
      },
    ),
  );
});

describe('section', () => {
  const section = (data: ReportData, bytes?: number): string => samplesSection(data, bytes).text;
  const embedded = (page: string): { samples: { problem: number; index: number; group: number }[]; problems: string[] } =>
    JSON.parse(/<script type="application\/json" id="sample-data">([^]*?)<\/script>/.exec(page)![1]!) as never;
  const data = summarise(EXPERIMENT, rows, { categories: CATEGORIES, resamples: 99 });

  it('says that all are here, or how many and how they were chosen', () => {
    const flat = (page: string): string => page.replace(/\s+/g, ' ');
    expect(flat(section(data))).toContain(`All ${rows.length.toLocaleString('en-US')} samples that count are here.`);
    const small = section({ ...data, browsed: choose(rows, 100) });
    const { samples } = embedded(small);
    expect(flat(small)).toMatch(
      new RegExp(`Here are ${samples.length} of the ${rows.length.toLocaleString('en-US')} samples that count: of each category`),
    );
    expect(small).toContain('Shares among them are not the');
  });

  it('weighs no more than it may, and says that it holds fewer', () => {
    const page = section(data, 100_000);
    expect(page.length).toBeLessThan(130_000);
    const { samples, problems } = embedded(page);
    expect(samples.length).toBeGreaterThan(50);
    expect(samples.length).toBeLessThan(rows.length);
    expect(new Set(samples.map(({ group }) => group)).size).toBe(data.browsed.groups.length);
    expect(page.replace(/\s+/g, ' ')).toContain(`Here are ${samples.length} of the`);
    // The rest is of all problems, not of the first ones.
    expect(new Set(samples.map(({ problem }) => problem)).size).toBeGreaterThan(problems.length / 3);
  });

  it('cuts a program of a megabyte, and keeps its failing line', () => {
    const long = Array.from({ length: 50_000 }, (_, i) => `    x${i} = ${i}\n`).join('');
    const exception = { ...(hostileSample().verdict.outcome as { exception: object }).exception, line: 30_000, message: 'boom' };
    const one = hostileSample({ prompt: '', completion: long });
    const big = { ...one, verdict: { ...one.verdict, outcome: { ...one.verdict.outcome, exception } } } as JudgedSample;
    const page = section(summarise(EXPERIMENT, [big], { categories: CATEGORIES, resamples: 99 }));
    expect(page.length).toBeLessThan(20_000);
    expect(page).toContain('x29999 = 29999');
  });

  it('cannot be left by what a sample holds', () => {
    const texts = [...Object.values(HOSTILE), '<!--', '<script', ']]>', '\u2028', '</SCRIPT >'];
    const evil = texts.map((text, sampleIndex) =>
      hostileSample({ sampleIndex, completion: `${text}\n`, evidence: text, categoryName: text }),
    );
    const page = section(summarise(EXPERIMENT, evil, { categories: CATEGORIES, resamples: 99 }));
    const inside = /id="sample-data">([^]*?)<\/script>/.exec(page)![1]!;
    expect(inside).not.toMatch(/[<\u2028\u202e\u0000\u001b]/);
    expect(embedded(page).samples).toHaveLength(evil.length);
    expect(page.match(/<\/script/gi)).toHaveLength(1);
  });
});
