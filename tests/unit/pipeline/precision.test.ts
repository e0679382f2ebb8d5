import { describe, expect, it } from 'vitest';
import { precisionLimits } from '../../../src/pipeline/precision-limits.js';
import { PrecisionSums } from '../../../src/pipeline/precision-sums.js';

/** Logits whose distribution is the given one, whatever is added to all of a row. */
const logitsOf = (rows: readonly (readonly number[])[], added = 0) => Float32Array.from(rows.flat().map((p) => Math.log(p) + added));

describe('precisionLimits', () => {
  it('are those of the kernel family whatever its version, and one row for all that round activations', () => {
    const divergence = (family: string) => precisionLimits('bfloat16', family).meanDivergence;
    expect(divergence('fma-2')).toBe(divergence('fma'));
    expect(divergence('amx-2')).toBe(divergence('dpbf16-2'));
    expect(divergence('fma-2')).toBeLessThan(divergence('dpbf16-2'));
    expect(divergence('mma2')).toBe(divergence('dpbf16-2'));
    expect(precisionLimits('int8', 'int8-2').meanDivergence).toBe(4e-4);
  });
});

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

  it('counts the error that 99.9 % of all logits do not exceed, each beside the largest of its own text', () => {
    const sums = new PrecisionSums();
    const text = (largest: number, errors: readonly number[]) => {
      const exact = Float32Array.from(errors, () => largest);
      sums.add(
        Int32Array.of(0, 1),
        exact,
        exact.map((logit, index) => logit - errors[index]!),
      );
    };
    // 3000 logits, 3 of which may be beyond. Of the first text, one is 1/2 of its largest; of the second, 1/4 twice and 1/8 once.
    text(2, [1, ...Array.from({ length: 999 }, () => 0)]);
    text(4, [1, 1, 0.5, ...Array.from({ length: 1997 }, () => 0.25)]);
    const { logitError, logitErrorP999 } = sums.result();
    expect(logitError).toBe(0.5);
    // What is told apart are thousandths.
    expect(logitErrorP999).toBeGreaterThanOrEqual(0.125);
    expect(logitErrorP999).toBeLessThan(0.125 * 1.001);
  });

  it('says that 99.9 % of the logits are equal where they are, and never more than the largest', () => {
    const few = new PrecisionSums();
    few.add(Int32Array.of(0, 1), Float32Array.of(1, 1, 1, 1), Float32Array.of(1, 1, 1, 0.75));
    expect(few.result()).toMatchObject({ logitError: 0.25, logitErrorP999: 0.25 });
    const many = new PrecisionSums();
    const exact = new Float32Array(2000).fill(1);
    const narrow = exact.slice();
    narrow[7] = 0.75;
    many.add(Int32Array.of(0, 1), exact, narrow);
    expect(many.result()).toMatchObject({ logitError: 0.25, logitErrorP999: 0 });
  });

  it('refuses to speak of texts without a second token', () => {
    const sums = new PrecisionSums();
    sums.add(Int32Array.of(1), logitsOf([[0.5, 0.5]]), logitsOf([[0.5, 0.5]]));
    expect(() => sums.result()).toThrow(/nothing to predict/);
  });
});
