/** `faultline activations`: what hook points carry for one sequence of tokens, as a safetensors file. */
import type { Config } from '../config/load.js';
import { writeSafetensors } from '../engine/safetensors.js';
import { TokenModel } from '../engine/token-model.js';
import { FaultlineError } from '../errors.js';
import { loadTokenizer } from '../tokenizer/bpe.js';
import { modelFolderOf } from './inputs.js';
import { checkWritable } from './partial-file.js';

export interface ActivationsOptions {
  /** Token ids, or text that the model's tokenizer turns into them; exactly one. */
  readonly tokens: readonly number[] | null;
  readonly text: string | null;
  readonly hooks: readonly string[];
  readonly out: string;
  readonly signal: AbortSignal;
}

export interface ActivationsResult {
  readonly out: string;
  readonly tokens: readonly number[];
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

export async function writeActivations(config: Config, options: ActivationsOptions): Promise<ActivationsResult> {
  const { values } = config;
  const { out, hooks, signal } = options;
  await checkWritable(out);
  const folder = await modelFolderOf(config);
  const threads = values['model.threads'];
  const memoryBytes = values['model.memory'];
  const model = await TokenModel.load(folder, {
    dtype: values['model.dtype'],
    ...(threads === null ? {} : { threads }),
    ...(memoryBytes === null ? {} : { memoryBytes }),
  });
  try {
    const tokens = options.text === null ? Int32Array.from(options.tokens ?? []) : (await loadTokenizer(folder)).encodePrompt(options.text);
    if (tokens.length === 0) {
      throw new FaultlineError('usage', `${options.text === null ? '--tokens' : '--text'}: there is no token to run`, {
        hint: 'Give at least one.',
      });
    }
    const arrays = await model.activations(tokens, hooks, { signal });
    await writeSafetensors(out, arrays);
    return { out, tokens: [...tokens], tensors: [...arrays].map(([name, { shape }]) => ({ name, shape })) };
  } finally {
    await model.dispose();
  }
}
