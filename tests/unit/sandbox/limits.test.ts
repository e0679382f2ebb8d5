import { describe, expect, it } from 'vitest';
import { adaptedLimits, calibrationOf, DEFAULT_LIMITS, REFERENCE_LOOP_SECONDS, RERUN_FACTOR } from '../../../src/sandbox/limits.js';

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
});
