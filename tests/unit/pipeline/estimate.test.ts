/** The arithmetic of estimates, and its words. What is measured is the integration tests' (`cli/stages.test.ts`). */
import { describe, expect, it } from 'vitest';
import {
  describeEstimate,
  drawRate,
  drawSeconds,
  joinEstimates,
  reportBytes,
  reportSeconds,
  sampleBytes,
  type ReportCosts,
  type StageEstimate,
} from '../../../src/pipeline/estimate.js';
import { AREA_RESAMPLES, AREAS } from '../../../src/reports/text-view.js';

describe('drawing', () => {
  it('tells what a prompt costs from what a token costs', () => {
    // 4 prompts of 0.5 s, tokens of 0.01 s each.
    const rate = drawRate({ prompts: 4, short: { tokens: 40, seconds: 2.4 }, long: { tokens: 360, seconds: 5.6 } });
    expect(rate.secondsPerToken).toBeCloseTo(0.01, 12);
    expect(rate.secondsPerPrompt).toBeCloseTo(0.5, 12);
    expect(drawSeconds({ prompts: 164, samples: 16_400, tokens: 100 }, rate)).toBeCloseTo(164 * 0.5 + 16_400, 6);
  });

  it('stays finite and positive where the measurement is noise or nothing', () => {
    for (const measured of [
      { prompts: 1, short: { tokens: 64, seconds: 1 }, long: { tokens: 576, seconds: 0.9 } },
      { prompts: 1, short: { tokens: 64, seconds: 1 }, long: { tokens: 64, seconds: 1 } },
      { prompts: 1, short: { tokens: 0, seconds: 1 }, long: { tokens: 0, seconds: 1 } },
    ]) {
      const { secondsPerPrompt, secondsPerToken } = drawRate(measured);
      expect(secondsPerToken).toBeGreaterThan(0);
      expect(secondsPerPrompt).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(secondsPerPrompt + secondsPerToken)).toBe(true);
    }
  });
});

it('takes at least the three arrays of each token', () => {
  expect(sampleBytes(100, 160) - sampleBytes(100, 0)).toBeGreaterThanOrEqual(100 * 160 * 12);
  expect(sampleBytes(0, 160)).toBe(0);
});

describe('a report', () => {
  const none: ReportCosts = { reading: 0, area: 0, areaResample: 0, drawing: 0, ratioResample: 0 };
  const shape = { samples: 16_400, problems: 164, categories: [4_000, 19, 100] };
  const base = reportSeconds(shape, none);
  const costing = (costs: Partial<ReportCosts>, change: Partial<typeof shape> = {}) =>
    reportSeconds({ ...shape, ...change }, { ...none, ...costs }) - base;

  it('asks for the areas of passes, crashes and each category that is large enough', () => {
    expect(costing({ area: 1 })).toBeCloseTo(AREAS.overall + 2 * AREAS.ofCategory, 9);
    expect(costing({ area: 1 }, { categories: [] })).toBeCloseTo(AREAS.overall, 9);
  });

  it('goes through fewer pairs where fewer problems have one of the category, and never through more than all', () => {
    const ofOne = (count: number) =>
      costing({ areaResample: 1 }, { categories: [count] }) - costing({ areaResample: 1 }, { categories: [] });
    expect(ofOne(20)).toBeLessThan(ofOne(100));
    expect(ofOne(100)).toBeLessThan(ofOne(16_400));
    expect(ofOne(16_400)).toBeCloseTo(AREAS.ofCategory * AREA_RESAMPLES, 6);
  });

  it('reads each sample some times, and writes it beside the one before', () => {
    expect(costing({ reading: 1 })).toBeCloseTo(2 * costing({ reading: 1 }, { samples: 8_200 }), 6);
    expect(reportBytes(200, 10) - reportBytes(100, 10)).toBe(reportBytes(100, 10) - reportBytes(0, 10));
    expect(reportBytes(100, 20)).toBeGreaterThan(reportBytes(100, 10));
  });
});

describe('the whole', () => {
  const part = (stage: string, seconds: number, change: Partial<StageEstimate & { beside: boolean }> = {}) => ({
    ...{ stage, seconds, beside: false, atMost: false, onCpu: true, basis: 'b', memoryBytes: 2 ** 30, memoryOf: 'm', diskBytes: 2 ** 20 },
    ...change,
  });
  const seconds = (...parts: ReturnType<typeof part>[]) => joinEstimates(parts, '/')!.seconds;

  it('adds stages up, and of those side by side takes the longer where they need different cores', () => {
    const executing = (time: number) => part('execute', time, { beside: true });
    expect(seconds(part('generate', 60), executing(20))).toBe(80);
    expect(seconds(part('generate', 60, { onCpu: false }), executing(20))).toBe(60);
    expect(seconds(part('generate', 60, { onCpu: false }), executing(90))).toBe(90);
    expect(seconds(executing(20))).toBe(20);
    expect(seconds(part('generate', 60), part('measure', 5))).toBe(65);
    expect(joinEstimates([], '/')).toBeNull();
  });

  it('is said in one line, and each stage in one', () => {
    const estimate = joinEstimates([part('generate', 3700, { atMost: true }), part('execute', 100, { beside: true })], '/nowhere/x.db')!;
    expect(estimate.freeDiskBytes).toBeGreaterThan(0);
    expect(describeEstimate({ ...estimate, freeDiskBytes: 2 ** 31 })).toEqual([
      'estimate: at most 1 h 3 min, memory up to 2.0 GiB, disk 2 MiB of 2.0 GiB free',
      '  generate: at most 1 h 1 min (b); memory up to 1.0 GiB (m)',
      '  execute: about 1 min 40 s (b); memory up to 1.0 GiB (m)',
    ]);
    expect(describeEstimate({ ...estimate, freeDiskBytes: 2 ** 20 }).at(-1)).toContain('more than the disk has free');
    expect(describeEstimate({ ...estimate, freeDiskBytes: null })[0]).toMatch(/disk 2 MiB$/);
  });
});
