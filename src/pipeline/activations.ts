/** `faultline activations`: what hook points carry for one sequence of tokens, as a safetensors file. */
import type { Config } from '../config/load.js';
import { writeSafetensors } from '../engine/safetensors.js';
import { TokenModel } from '../engine/token-model.js';
import { FaultlineError } from '../errors.js';
import { loadTokenizer } from '../tokenizer/bpe.js';
import { engineOptionsOf, noteDevice } from './device.js';
import { modelFilesOf, modelFolderOf } from './inputs.js';
import { stopped } from './interrupt.js';
import { checkWritable, refuseInputs } from './partial-file.js';
import type { Progress } from './progress.js';

export interface ActivationsOptions {
  /** Token ids, or text that the model's tokenizer turns into them; exactly one. */
  readonly tokens: readonly number[] | null;
  readonly text: string | null;
  readonly hooks: readonly string[];
  readonly out: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface ActivationsResult {
  readonly out: string;
  readonly tokens: readonly number[];
  /** What computed them. */
  readonly device: string;
  readonly deviceName: string;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

export async function writeActivations(config: Config, options: ActivationsOptions): Promise<ActivationsResult> {
  const { values } = config;
  const { out, hooks, signal, progress } = options;
  await checkWritable(out, 'a safetensors file');
  const folder = await modelFolderOf(config);
  refuseInputs(out, await modelFilesOf(config));
  const model = await TokenModel.load(folder, engineOptionsOf(values));
  try {
    const tokens = options.text === null ? Int32Array.from(options.tokens ?? []) : (await loadTokenizer(folder)).encodePrompt(options.text);
    if (tokens.length === 0) {
      throw new FaultlineError('usage', `${options.text === null ? '--tokens' : '--text'}: there is no token to run`, {
        hint: 'Give at least one.',
      });
    }
    const arrays = await model.activations(tokens, hooks, { signal });
    noteDevice(values, model.info, progress);
    await writeSafetensors(out, arrays);
    const { device, deviceName } = model.info;
    return { out, tokens: [...tokens], device, deviceName, tensors: [...arrays].map(([name, { shape }]) => ({ name, shape })) };
  } catch (thrown) {
    if (thrown === signal.reason) throw stopped(signal.reason);
    throw thrown;
  } finally {
    await model.dispose();
  }
}
