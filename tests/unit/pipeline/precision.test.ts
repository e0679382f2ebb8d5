import { describe, expect, it } from 'vitest';
import { PrecisionSums } from '../../../src/pipeline/precision.js';

/** Logits whose distribution is the given one, whatever is added to all of a row. */
const logitsOf = (rows: readonly (readonly number[])[], added = 0) => Float32Array.from(rows.flat().map((p) => Math.log(p) + added));

describe('PrecisionSums', () => {
  it('finds nothing between equal logits, and perplexity 4 where four tokens are equally likely', () => {
    const sums = new PrecisionSums();
    const rows = [
      [0.25, 0.25, 0.25, 0.25],
      [0.25, 0.25, 0.25, 0.25],
    ];
    sums.add(Int32Array.of(0, 3), logitsOf(rows), logitsOf(rows));
    const result = sums.result();
    expect(result).toMatchObject({ tokens: 2, logitError: 0, meanDivergence: 0, largestDivergence: 0, sameTop: 1 });
    // float32 logits: a relative error of 2^-24 each.
    expect(result.perplexity).toBeCloseTo(4, 6);
    expect(result.perplexityFloat32).toBe(result.perplexity);
  });

  it('computes divergence, error and perplexity of distributions known in closed form', () => {
    const exact = [
      [0.5, 0.25, 0.25],
      [0.5, 0.25, 0.25],
    ];
    const narrow = [
      [0.25, 0.5, 0.25],
      [0.5, 0.25, 0.25],
    ];
    const sums = new PrecisionSums();
    sums.add(Int32Array.of(2, 0), logitsOf(exact), logitsOf(narrow));
    const result = sums.result();
    // 0.5 log 2 - 0.25 log 2 in the first row, nothing in the second.
    expect(result.largestDivergence).toBeCloseTo(0.25 * Math.LN2, 6);
    expect(result.meanDivergence).toBeCloseTo(0.125 * Math.LN2, 6);
    expect(result.logitError).toBeCloseTo(Math.LN2 / Math.log(4), 6);
    expect(result.sameTop).toBe(0.5);
    expect(result.perplexityFloat32).toBeCloseTo(2, 6);
    expect(result.perplexity).toBeCloseTo(4, 6);
  });

  it('calls distributions equal that differ by a constant, and their logits not', () => {
    const rows = [[0.5, 0.3, 0.2]];
    const sums = new PrecisionSums();
    sums.add(Int32Array.of(0, 1).slice(0, 1), logitsOf(rows), logitsOf(rows, 1));
    sums.add(Int32Array.of(0, 1), logitsOf([...rows, ...rows]), logitsOf([...rows, ...rows], 1));
    const result = sums.result();
    expect(result.tokens).toBe(3);
    expect(result.meanDivergence).toBeCloseTo(0, 6);
    expect(result.perplexity).toBeCloseTo(result.perplexityFloat32, 5);
    expect(result.logitError).toBeCloseTo(1 / -Math.log(0.2), 5);
  });

  it('refuses to speak of texts without a second token', () => {
    const sums = new PrecisionSums();
    sums.add(Int32Array.of(1), logitsOf([[0.5, 0.5]]), logitsOf([[0.5, 0.5]]));
    expect(() => sums.result()).toThrow(/nothing to predict/);
  });
});
