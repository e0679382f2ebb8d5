/** Gamma functions and the fair coin against SciPy and against sums that can be written down. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { fairBinomial, fairBinomialCdf } from '../../../../src/reports/statistics/binomial.js';
import { chiSquareTail, gammaP, gammaQ, logGamma } from '../../../../src/reports/statistics/gamma.js';
import { normalCdf } from '../../../../src/reports/statistics/normal.js';
import { more } from './golden.js';

/** Relative, so that small p-values count too. */
const expectNear = (value: number, expected: number, tolerance: number): void => {
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(tolerance * Math.abs(expected));
};

describe('log gamma', () => {
  it.each(more.log_gamma)('of $x', ({ x, value }) => {
    expect(Math.abs(logGamma(x) - value)).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(value)));
  });

  it('is the logarithm of a factorial', () => {
    let factorial = 1;
    for (let n = 1; n <= 20; n++) {
      factorial *= n;
      expect(logGamma(n + 1)).toBeCloseTo(Math.log(factorial), 13);
    }
  });

  test.each([0, -1, NaN, Infinity])('refuses %d', (x) => {
    expect(() => logGamma(x)).toThrow(RangeError);
  });
});

describe('incomplete gamma functions', () => {
  it('are what SciPy says, tails included, for shapes from 0.01 to 10,000', () => {
    for (const { a, x, p, q } of more.gamma) {
      // Below 1e-300 both sides lose digits to denormal numbers.
      for (const [value, expected] of [
        [gammaP(a, x), p],
        [gammaQ(a, x), q],
      ] as const) {
        if (expected > 1e-300) expectNear(value, expected, 1e-12);
        else expect(value).toBeLessThan(1e-299);
      }
    }
  });

  it('add up to 1, grow with x, and are exponential for shape 1', () => {
    const positive = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
    fc.assert(
      fc.property(positive, positive, positive, (a, x, step) => {
        expect(gammaP(a, x) + gammaQ(a, x)).toBeCloseTo(1, 12);
        expect(gammaP(a, x + step)).toBeGreaterThanOrEqual(gammaP(a, x) - 1e-13);
        expectNear(gammaQ(1, Math.min(x, 700)), Math.exp(-Math.min(x, 700)), 1e-12);
      }),
    );
  });

  it('begin at 0 and end at 1', () => {
    expect([gammaP(2, 0), gammaQ(2, 0), gammaP(2, Infinity), gammaQ(2, Infinity)]).toEqual([0, 1, 1, 0]);
  });

  test.each([
    [0, 1],
    [-1, 1],
    [Infinity, 1],
    [1, -1],
    [1, NaN],
  ])('refuse a=%d x=%d', (a, x) => {
    expect(() => gammaP(a, x)).toThrow(RangeError);
    expect(() => gammaQ(a, x)).toThrow(RangeError);
  });
});

describe('the tail of chi-square', () => {
  // Percentage points as printed in tables.
  test.each([
    [3.841, 1, 0.05],
    [6.635, 1, 0.01],
    [9.488, 4, 0.05],
    [18.307, 10, 0.05],
    [124.342, 100, 0.05],
  ])('from %d with %d degrees is %d', (statistic, degrees, p) => {
    expect(chiSquareTail(statistic, degrees)).toBeCloseTo(p, 4);
  });

  it('with one degree is that of a squared normal variable', () => {
    for (const z of [0.1, 1, 2, 5, 10]) expectNear(chiSquareTail(z * z, 1), 2 * normalCdf(-z), 1e-11);
  });
});

describe('the fair coin', () => {
  it('has the probabilities of the binomial coefficients', () => {
    for (let n = 0; n <= 30; n++) {
      let coefficient = 1;
      let sum = 0;
      for (let k = 0; k <= n; k++) {
        sum += coefficient / 2 ** n;
        expectNear(fairBinomial(k, n), coefficient / 2 ** n, 1e-13);
        expectNear(fairBinomialCdf(k, n), sum, 1e-13);
        coefficient = (coefficient * (n - k)) / (k + 1);
      }
    }
  });
});
