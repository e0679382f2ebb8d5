import { describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING, resolveStrategy, strategies } from '../../../src/decoding/strategy.js';
import type { FaultlineError } from '../../../src/errors.js';

const named = (given: Parameters<typeof resolveStrategy>[0], name?: string) => resolveStrategy(given, name).strategy.name;

describe('strategies', () => {
  it('have names of their own and say what they do', () => {
    expect(new Set(strategies.map((row) => row.name)).size).toBe(strategies.length);
    for (const row of strategies) expect(row.summary).not.toBe('');
  });

  it('are found by their parameters', () => {
    expect(named({})).toBe('temperature');
    expect(named({ temperature: 0 })).toBe('greedy');
    expect(named({ temperature: 0.8, topK: 40 })).toBe('top-k');
    expect(named({ temperature: 0.8, topP: 0.95 })).toBe('nucleus');
    expect(named({ topK: 40, topP: 0.95 })).toBe('nucleus');
  });

  it('describe every combination exactly once', () => {
    for (const temperature of [0, 0.5])
      for (const topK of [0, 5])
        for (const topP of [0.5, 1]) expect(strategies.filter((row) => row.describes({ temperature, topK, topP }))).toHaveLength(1);
  });

  it('greedy ignores truncation, which cannot remove the most likely token', () => {
    expect(resolveStrategy({ temperature: 0, topK: 3, topP: 0.5 }).sampling).toEqual({ ...PLAIN_SAMPLING, temperature: 0 });
    expect(resolveStrategy({}, 'greedy').sampling.temperature).toBe(0);
    expect(named({ temperature: 0 }, 'nucleus')).toBe('greedy');
  });

  it('a name that the parameters contradict is an error', () => {
    expect(() => resolveStrategy({ temperature: 0.8 }, 'greedy')).toThrow(/describe the strategy temperature, not greedy/);
    expect(() => resolveStrategy({ topP: 0.9 }, 'top-k')).toThrow(/describe the strategy nucleus, not top-k/);
    expect(named({ topP: 0.9 }, 'nucleus')).toBe('nucleus');
  });

  it('an unknown name is an error with the nearest ones', () => {
    const error = (() => {
      try {
        resolveStrategy({}, 'nucelus');
      } catch (thrown) {
        return thrown as FaultlineError;
      }
      return null;
    })();
    expect(error).toMatchObject({ kind: 'usage', hint: 'Use one of nucleus.' });
  });

  it.each([
    [{ temperature: -1 }, /temperature is -1/],
    [{ temperature: NaN }, /temperature is NaN/],
    [{ temperature: 1e-50 }, /temperature is 1e-50, expected 0 \(greedy\) or a number from 0\.000001 up/],
    [{ temperature: 1e300 }, /temperature is 1e\+300/],
    [{ topP: 1e-50 }, /top-p is 1e-50/],
    [{ temperature: Infinity }, /temperature is Infinity/],
    [{ topK: 1.5 }, /top-k is 1\.5/],
    [{ topK: -1 }, /top-k is -1/],
    [{ topP: 0 }, /top-p is 0/],
    [{ topP: 1.1 }, /top-p is 1\.1/],
  ])('refuses %o', (given, says) => {
    expect(() => resolveStrategy(given)).toThrow(says);
  });
});
