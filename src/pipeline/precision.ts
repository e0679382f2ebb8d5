/**
 * `faultline precision`: how far a model's results in a narrower dtype are from those in float32, on given texts. Both read the same tokens;
 * nothing is sampled. Says nothing about speed.
 */
import path from 'node:path';
import type { Config } from '../config/load.js';
import { bundledData } from '../datasets/home.js';
import { lineError, readJsonl, stringField } from '../datasets/jsonl.js';
import { TokenModel } from '../engine/token-model.js';
import { loadTokenizer } from '../tokenizer/bpe.js';
import { engineOptionsOf, noteDevice } from './device.js';
import { modelFolderOf } from './inputs.js';
import { stopped } from './interrupt.js';
import { precisionLimits, type NarrowDType, type PrecisionLimits } from './precision-limits.js';
import { PrecisionSums, type MeasuredPrecision } from './precision-sums.js';
import type { Progress } from './progress.js';

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

export interface PrecisionResult extends MeasuredPrecision {
  readonly model: string;
  readonly dtype: NarrowDType;
  readonly kernelFamily: string;
  readonly isa: string;
  readonly device: string;
  readonly deviceName: string;
  readonly texts: number;
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
  try {
    const arrays = await model.activations(tokens, ['logits'], { signal });
    return arrays.get('logits')!.data;
  } catch (thrown) {
    if (signal.aborted) throw stopped(signal.reason);
    throw thrown;
  }
}
