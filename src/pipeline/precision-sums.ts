/** Compares logits of a narrower dtype with float32's, position by position, and adds the differences up. Runs no model and reads no file. */
import { FaultlineError } from '../errors.js';

/** How far logits are from float32's, over all positions of all texts. */
export interface MeasuredPrecision {
  /** Positions compared; each predicts the next token, but for a text's last. */
  readonly tokens: number;
  /** Largest difference of a logit, as a share of the largest logit (by amount, in float32) of the same text. */
  readonly logitError: number;
  /**
   * The 99.9th percentile of such differences, each as a share of the largest logit of its text, over every logit of every position of all
   * texts: at least 99.9 % of them are no larger (nearest rank). Rounded up by at most a thousandth of itself (ERROR_BITS).
   */
  readonly logitErrorP999: number;
  /** Kullback-Leibler divergence from float32's distribution to the dtype's, nats per position: mean and largest. */
  readonly meanDivergence: number;
  readonly largestDivergence: number;
  /** Share of positions with the same most likely token. */
  readonly sameTop: number;
  readonly perplexityFloat32: number;
  readonly perplexity: number;
}
/** Adds up what positions show. Sums are in double; the order is that of the texts. */
export class PrecisionSums {
  private tokens = 0;
  private predicted = 0;
  private logitError = 0;
  private readonly errors = new ErrorCounts();
  private divergence = 0;
  private largestDivergence = 0;
  private sameTop = 0;
  private lossExact = 0;
  private loss = 0;

  /** `exact` and `narrow`: logits [tokens, vocabulary] of the same text, row-major. */
  add(tokens: Int32Array, exact: Float32Array, narrow: Float32Array): void {
    const width = exact.length / tokens.length;
    let largest = 0;
    let difference = 0;
    for (let index = 0; index < exact.length; index++) {
      largest = Math.max(largest, Math.abs(exact[index]!));
      difference = Math.max(difference, Math.abs(exact[index]! - narrow[index]!));
    }
    const unit = largest === 0 ? 1 : largest;
    this.logitError = Math.max(this.logitError, difference / unit);
    for (let index = 0; index < exact.length; index++) this.errors.add(Math.abs(exact[index]! - narrow[index]!) / unit);
    for (let position = 0; position < tokens.length; position++) {
      const one = exact.subarray(position * width, (position + 1) * width);
      const other = narrow.subarray(position * width, (position + 1) * width);
      const a = distributionOf(one);
      const b = distributionOf(other);
      let divergence = 0;
      for (let token = 0; token < width; token++) {
        const logProbability = one[token]! - a.logSum;
        divergence += Math.exp(logProbability) * (logProbability - (other[token]! - b.logSum));
      }
      this.divergence += divergence;
      this.largestDivergence = Math.max(this.largestDivergence, divergence);
      this.sameTop += a.top === b.top ? 1 : 0;
      this.tokens++;
      const next = tokens[position + 1];
      if (next === undefined) continue;
      this.lossExact += a.logSum - one[next]!;
      this.loss += b.logSum - other[next]!;
      this.predicted++;
    }
  }

  /** Throws a FaultlineError (`input`) where no token was predicted. */
  result(): MeasuredPrecision {
    if (this.predicted === 0) {
      throw new FaultlineError('input', 'no text has two tokens: there is nothing to predict', {
        hint: 'Give longer texts, or a larger --tokens-most.',
      });
    }
    return {
      tokens: this.tokens,
      logitError: this.logitError,
      // Rounding up must not take it past the largest.
      logitErrorP999: Math.min(this.logitError, this.errors.percentile(999, 1000)),
      meanDivergence: this.divergence / this.tokens,
      largestDivergence: this.largestDivergence,
      sameTop: this.sameTop / this.tokens,
      perplexityFloat32: Math.exp(this.lossExact / this.predicted),
      perplexity: Math.exp(this.loss / this.predicted),
    };
  }
}

/** Bits of a float that tell errors apart: sign, exponent and 10 of the fraction, so that neighbours differ by a thousandth. */
const ERROR_BITS = 19;

/** Counts errors by size: there are too many to keep (a vocabulary for every token). None is negative. */
class ErrorCounts {
  private readonly counts = new Float64Array(2 ** (ERROR_BITS - 1));
  private count = 0;
  private readonly number = new Float32Array(1);
  private readonly bits = new Uint32Array(this.number.buffer);

  add(error: number): void {
    this.number[0] = error;
    this.counts[this.bits[0]! >>> (32 - ERROR_BITS)]!++;
    this.count++;
  }

  /** The smallest error that at least numerator / denominator of all do not exceed, rounded up to the next that is told apart. */
  percentile(numerator: number, denominator: number): number {
    const rank = Math.ceil((this.count * numerator) / denominator);
    let bucket = 0;
    for (let seen = this.counts[0]!; seen < rank; seen += this.counts[bucket]!) bucket++;
    // Exact zeros are no errors, though the first bucket also holds the smallest of all numbers.
    if (bucket === 0) return 0;
    this.bits[0] = (bucket + 1) << (32 - ERROR_BITS);
    return this.number[0]!;
  }
}

/** The most likely token, the first of several, and the logarithm of the sum of exponentials, computed in double. */
function distributionOf(logits: Float32Array): { top: number; logSum: number } {
  let top = 0;
  for (let token = 1; token < logits.length; token++) if (logits[token]! > logits[top]!) top = token;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - logits[top]!);
  return { top, logSum: logits[top]! + Math.log(sum) };
}
