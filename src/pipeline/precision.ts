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
 * What a dtype may cost at most, on the bundled model and texts; other models are measured against the same. A test holds them.
 * bfloat16 keeps 8 bits of each activation: an error of 2^-9 at each of some ten products in a row. int8's are what was measured
 * (11.8 %, 3.8e-4, 0.082 %) and a twentieth more, as every CPU has the same results. The first is one text's: all others stayed below 7.8 %.
 */
export const PRECISION_LIMITS: Readonly<Record<NarrowDType, PrecisionLimits>> = {
  bfloat16: { logitError: 0.03, meanDivergence: 1e-3, perplexityChange: 0.005 },
  int8: { logitError: 0.124, meanDivergence: 4e-4, perplexityChange: 8.7e-4 },
};

export interface PrecisionLimits {
  /** Of the largest logit of the same text. */
  readonly logitError: number;
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
  const limits = PRECISION_LIMITS[dtype];
  const { kernelFamily, isa, device, deviceName } = narrow.info;
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
    this.logitError = Math.max(this.logitError, largest === 0 ? difference : difference / largest);
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
    'tokens' | 'logitError' | 'meanDivergence' | 'largestDivergence' | 'sameTop' | 'perplexityFloat32' | 'perplexity'
  > {
    if (this.predicted === 0) {
      throw new FaultlineError('input', 'no text has two tokens: there is nothing to predict', {
        hint: 'Give longer texts, or a larger --tokens-most.',
      });
    }
    return {
      tokens: this.tokens,
      logitError: this.logitError,
      meanDivergence: this.divergence / this.tokens,
      largestDivergence: this.largestDivergence,
      sameTop: this.sameTop / this.tokens,
      perplexityFloat32: Math.exp(this.lossExact / this.predicted),
      perplexity: Math.exp(this.loss / this.predicted),
    };
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
