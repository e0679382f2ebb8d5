/**
 * `faultline precision`: how far a model's results in a narrower dtype are from those in float32, on given texts. Both read the same tokens;
 * nothing is sampled. Says nothing about speed.
 */
import path from 'node:path';
import type { Config } from '../config/load.js';
import { bundledData } from '../datasets/home.js';
import { lineError, readJsonl, stringField } from '../datasets/jsonl.js';
import { TokenModel } from '../engine/token-model.js';
import type { DType } from '../engine/types.js';
import { FaultlineError } from '../errors.js';
import { loadTokenizer } from '../tokenizer/bpe.js';
import { engineOptionsOf, noteDevice } from './device.js';
import { modelFolderOf } from './inputs.js';
import type { Progress } from './progress.js';

export type NarrowDType = Exclude<DType, 'float32'>;

/**
 * What a dtype may cost at most, on the bundled model and texts; other models are measured against the same. The first row that names the
 * kernel family counts. A test holds every family that its CPU has. Each limit is what was measured and a margin:
 *
 * - `fma` and `int8` have the same results on every CPU, so theirs is a twentieth. Measured: fma 6.99e-3, 1.38e-3, 1.15e-6, 0.0013 %;
 *   int8 0.118, 2.12e-2, 3.78e-4, 0.082 %.
 * - The others round activations too: an error of 2^-9 at each of some ten products in a row. Theirs is a quarter, over what dpbf16 was measured
 *   to cost: 1.57e-2, 3.68e-3, 8.41e-6, 0.011 %. Of the first 20 texts dpbf16's divergence is 6.04e-6, that of AMX's portable form 5.98e-6, that
 *   of tensor cores in the emulator 5.48e-6; a GPU itself was not asked.
 */
export const PRECISION_LIMITS: readonly PrecisionRow[] = [
  {
    dtype: 'bfloat16',
    families: ['fma'],
    limits: { logitError: 7.34e-3, logitErrorP999: 1.45e-3, meanDivergence: 1.21e-6, perplexityChange: 1.4e-5 },
  },
  {
    dtype: 'bfloat16',
    families: null,
    limits: { logitError: 1.96e-2, logitErrorP999: 4.6e-3, meanDivergence: 1.05e-5, perplexityChange: 1.4e-4 },
  },
  {
    dtype: 'int8',
    families: null,
    limits: { logitError: 0.124, logitErrorP999: 2.23e-2, meanDivergence: 4e-4, perplexityChange: 8.7e-4 },
  },
];

export interface PrecisionRow {
  readonly dtype: NarrowDType;
  /** Names without the number of their version; null for all that no row before it names. */
  readonly families: readonly string[] | null;
  readonly limits: PrecisionLimits;
}

/** The limits that a dtype has under a kernel family such as `dpbf16-2`. */
export function precisionLimits(dtype: NarrowDType, kernelFamily: string): PrecisionLimits {
  const family = kernelFamily.replace(/-?\d+$/, '');
  return PRECISION_LIMITS.find((row) => row.dtype === dtype && (row.families === null || row.families.includes(family)))!.limits;
}

export interface PrecisionLimits {
  /** Of the largest logit of the same text. */
  readonly logitError: number;
  /** Of the same, for the 99.9th percentile. */
  readonly logitErrorP999: number;
  /** Nats per token. */
  readonly meanDivergence: number;
  /** Of the perplexity, up or down. */
  readonly perplexityChange: number;
}

export interface PrecisionOptions {
  readonly dtype: NarrowDType;
  /** JSONL with a field `text`; null for the bundled ones. */
  readonly texts: string | null;
  /** How many of the texts are read; null for all. */
  readonly count: number | null;
  /** Longer texts are cut to as many tokens: logits of all of them are held at once. */
  readonly tokensMost: number;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface PrecisionResult {
  readonly model: string;
  readonly dtype: NarrowDType;
  readonly kernelFamily: string;
  readonly isa: string;
  readonly device: string;
  readonly deviceName: string;
  readonly texts: number;
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
  readonly limits: PrecisionLimits;
  readonly withinLimits: boolean;
}

/**
 * Measures. Throws a FaultlineError: `input` for a file that cannot be read or a text of fewer than two tokens in all, `environment` where
 * two models do not fit.
 */
export async function measurePrecision(config: Config, options: PrecisionOptions): Promise<PrecisionResult> {
  const { dtype, signal, progress } = options;
  const folder = await modelFolderOf(config);
  const engine = engineOptionsOf(config.values);
  const texts = await readTexts(options.texts ?? path.join(bundledData, 'held-out.jsonl'), options.count);
  const tokenizer = await loadTokenizer(folder);
  await using exact = await TokenModel.load(folder, { ...engine, dtype: 'float32' });
  await using narrow = await TokenModel.load(folder, { ...engine, dtype });
  const most = Math.min(options.tokensMost, exact.info.context);
  const sums = new PrecisionSums();
  const task = progress.task('texts', texts.length);
  noteDevice(config.values, narrow.info, progress);
  for (const text of texts) {
    const tokens = tokenizer.encodePrompt(text).slice(0, most);
    if (tokens.length > 0) sums.add(tokens, await logitsOf(exact, tokens, signal), await logitsOf(narrow, tokens, signal));
    task.advance();
  }
  const measured = sums.result();
  const { kernelFamily, isa, device, deviceName } = narrow.info;
  const limits = precisionLimits(dtype, kernelFamily);
  return {
    model: folder,
    dtype,
    kernelFamily,
    isa,
    device,
    deviceName,
    texts: texts.length,
    ...measured,
    limits,
    withinLimits:
      measured.logitError <= limits.logitError &&
      measured.logitErrorP999 <= limits.logitErrorP999 &&
      measured.meanDivergence <= limits.meanDivergence &&
      Math.abs(measured.perplexity / measured.perplexityFloat32 - 1) <= limits.perplexityChange,
  };
}

async function readTexts(file: string, count: number | null): Promise<string[]> {
  const texts: string[] = [];
  for await (const line of readJsonl(file)) {
    if (texts.length === count) break;
    const text = stringField(line, 'text');
    if (text === '') throw lineError(line, 'the text is empty', { field: 'text' });
    texts.push(text);
  }
  return texts;
}

async function logitsOf(model: TokenModel, tokens: Int32Array, signal: AbortSignal): Promise<Float32Array> {
  const arrays = await model.activations(tokens, ['logits'], { signal });
  return arrays.get('logits')!.data;
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
  result(): Pick<
    PrecisionResult,
    'tokens' | 'logitError' | 'logitErrorP999' | 'meanDivergence' | 'largestDivergence' | 'sameTop' | 'perplexityFloat32' | 'perplexity'
  > {
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
