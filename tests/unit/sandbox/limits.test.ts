import { describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import type { Limits } from '../../../src/sandbox/executor.js';
import {
  adaptedLimits,
  calibrationOf,
  checkedLimits,
  DEFAULT_LIMITS,
  hungMilliseconds,
  REFERENCE_LOOP_SECONDS,
  RERUN_FACTOR,
} from '../../../src/sandbox/limits.js';

describe('limits', () => {
  it('are stretched on a slow machine and never shortened', () => {
    expect(adaptedLimits(DEFAULT_LIMITS, 1)).toEqual(DEFAULT_LIMITS);
    expect(adaptedLimits(DEFAULT_LIMITS, 4)).toEqual(DEFAULT_LIMITS);
    expect(adaptedLimits(DEFAULT_LIMITS, 0.5)).toEqual({
      ...DEFAULT_LIMITS,
      cpuSeconds: 2 * DEFAULT_LIMITS.cpuSeconds,
      wallSeconds: 2 * DEFAULT_LIMITS.wallSeconds,
    });
  });

  it('are three times as long in a second run', () => {
    expect(adaptedLimits(DEFAULT_LIMITS, 0.5, RERUN_FACTOR).cpuSeconds).toBe(6 * DEFAULT_LIMITS.cpuSeconds);
  });

  it('are calibrated by the reference loop', () => {
    expect(calibrationOf(REFERENCE_LOOP_SECONDS)).toBe(1);
    expect(calibrationOf(REFERENCE_LOOP_SECONDS * 3)).toBe(0.33);
    expect(calibrationOf(1e9)).toBe(0.01);
  });

  it.each<[Partial<Limits>, string]>([
    [{ cpuSeconds: 0 }, 'limit cpuSeconds must be a number above 0, not 0'],
    [{ wallSeconds: NaN }, 'limit wallSeconds must be a number above 0, not NaN'],
    [{ outputBytes: Infinity }, 'limit outputBytes must be a number above 0, not Infinity'],
    [{ fileBytes: -1 }, 'limit fileBytes must be a number above 0, not -1'],
    [{ processes: -1 }, 'limit processes must be a number above 0, not -1'],
    [{ memoryBytes: 1000 }, 'limit memoryBytes must be at least '],
  ])('that make no sense are refused: %j', (fields, message) => {
    let thrown: unknown;
    try {
      checkedLimits({ ...DEFAULT_LIMITS, ...fields });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(FaultlineError);
    expect(thrown).toMatchObject({ kind: 'usage', message: expect.stringContaining(message) as string });
  });

  it('that make sense stay as they are, no files among them', () => {
    for (const limits of [DEFAULT_LIMITS, { ...DEFAULT_LIMITS, fileBytes: 0 }]) expect(checkedLimits(limits)).toBe(limits);
  });

  it('are long met when a worker is taken for hung', () => {
    // A test, three closer looks at its failure with three times as much after that, and ten times the limit for who cannot be seen to be blocked.
    const passes = 4 + 3 * RERUN_FACTOR;
    for (const wallSeconds of [0.1, 3, 100])
      expect(hungMilliseconds({ ...DEFAULT_LIMITS, wallSeconds })).toBeGreaterThan(1000 * passes * 10 * wallSeconds);
  });
});
