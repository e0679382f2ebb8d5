import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING, resolveStrategy, strategies } from '../../../src/decoding/strategy.js';
import type { SamplingParameters } from '../../../src/engine/types.js';
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
    expect(named({ minP: 0.1 })).toBe('min-p');
    expect(named({ typical: 0.95 })).toBe('typical');
    expect(named({ eta: 0.0003 })).toBe('eta');
  });

  it('are named after the last truncation that is on, in the order in which the engine applies them', () => {
    const table = readFileSync('native/sampler/truncations.def', 'utf8');
    const rows = [...table.matchAll(/^FAULTLINE_TRUNCATION\((\w+)\)/gm)].map((match) => match[1]!);
    const engineNames: Record<string, string> = { nucleus: 'top_p' };
    expect(strategies.slice(2).map(({ name }) => engineNames[name] ?? name.replaceAll('-', '_'))).toEqual(rows);
    const on: [string, Partial<SamplingParameters>][] = [
      ['top-k', { topK: 5 }],
      ['nucleus', { topP: 0.9 }],
      ['min-p', { minP: 0.1 }],
      ['typical', { typical: 0.9 }],
      ['eta', { eta: 0.1 }],
    ];
    for (let subset = 1; subset < 2 ** on.length; subset++) {
      const chosen = on.filter((_, i) => (subset >> i) & 1);
      expect(named(Object.assign({}, ...chosen.map(([, parameters]) => parameters)) as Partial<SamplingParameters>)).toBe(
        chosen.at(-1)![0],
      );
    }
  });

  it('greedy ignores truncation', () => {
    expect(resolveStrategy({ temperature: 0, topK: 3, topP: 0.5, minP: 0.1, typical: 0.5, eta: 0.1 }).sampling).toEqual({
      ...PLAIN_SAMPLING,
      temperature: 0,
    });
    expect(resolveStrategy({}, 'greedy').sampling.temperature).toBe(0);
    expect(named({ temperature: 0 }, 'nucleus')).toBe('greedy');
  });

  it('a name that the parameters contradict is an error', () => {
    expect(() => resolveStrategy({ temperature: 0.8 }, 'greedy')).toThrow(/describe the strategy temperature, not greedy/);
    expect(() => resolveStrategy({ topP: 0.9 }, 'top-k')).toThrow(/describe the strategy nucleus, not top-k/);
    expect(named({ topP: 0.9 }, 'nucleus')).toBe('nucleus');
    expect(() => resolveStrategy({ topP: 0.9, eta: 0.1 }, 'nucleus')).toThrow(/describe the strategy eta, not nucleus/);
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
    [{ topK: 2 ** 31 }, /top-k is 2147483648, expected a whole number from 0 \(off\) to 2147483647/],
    [{ topP: 0 }, /top-p is 0/],
    [{ topP: 1.1 }, /top-p is 1\.1/],
    [{ minP: -0.1 }, /min-p is -0\.1/],
    [{ minP: 1e-40 }, /min-p is 1e-40, expected 0 \(off\) or a number from 1e-37 to 1/],
    [{ minP: NaN }, /min-p is NaN/],
    [{ typical: 0 }, /typical is 0/],
    [{ typical: 1.5 }, /typical is 1\.5/],
    [{ eta: 1 }, /eta is 1/],
    [{ eta: 0.99999999 }, /eta is 0\.99999999, expected 0 \(off\) or a number from 1e-37 to below 1/],
  ])('refuses %o', (given, says) => {
    expect(() => resolveStrategy(given)).toThrow(says);
  });
});
