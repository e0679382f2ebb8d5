/**
 * One trial of faultline: n samples of one prompt through the engine's library API. Not a benchmark by itself (see
 * ../generate-vs-node-llama-cpp.mjs).
 */
import { ownCpuSeconds, watchMemory } from '../../lib/machine.mjs';
import { runTrial } from '../../lib/trial.mjs';
import { TokenModel } from '../../../dist/engine/token-model.js';
import { loadTokenizer } from '../../../dist/tokenizer/bpe.js';

/**
 * @typedef {object} OwnSettings
 * @property {string} modelPath
 * @property {string} promptText
 * @property {number} promptTokens as which it must come out
 * @property {number} samples
 * @property {number} newTokens every sample generates exactly this many
 * @property {number} temperature
 * @property {number} topP
 * @property {number} threads
 * @property {'float32' | 'bfloat16' | 'int8'} dtype
 * @property {number} [batch]
 * @property {boolean} [returnTokens]
 */

const seconds = () => performance.now() / 1000;

runTrial(async (/** @type {OwnSettings} */ settings) => {
  const beforeLoad = seconds();
  const model = await TokenModel.load(settings.modelPath, { dtype: settings.dtype, device: 'cpu', threads: settings.threads });
  const tokenizer = await loadTokenizer(settings.modelPath);
  const loadSeconds = seconds() - beforeLoad;

  const generate = async (/** @type {number} */ newTokens) => {
    const cpuBefore = ownCpuSeconds();
    const start = seconds();
    const prompt = Int32Array.from(tokenizer.encode(settings.promptText));
    if (prompt.length !== settings.promptTokens) throw new Error(`the prompt came out as ${prompt.length} tokens`);
    const group = {
      prompt,
      sampleIndices: Array.from({ length: settings.samples }, (_, i) => i),
      key: 1n,
      sampling: { temperature: settings.temperature, topK: 0, topP: settings.topP, minP: 0, typical: 1, eta: 0 },
      maxNewTokens: newTokens,
      stopPolicy: /** @type {const} */ ('none'),
    };
    /** @type {number[][]} */
    const tokens = [];
    let entropy = 0;
    for await (const sample of model.generate([group], settings.batch === undefined ? {} : { batch: settings.batch })) {
      if (sample.error !== null) throw new Error(sample.error);
      tokens[sample.sampleIndex] = Array.from(sample.tokens);
      entropy += sample.entropies.reduce((sum, one) => sum + one, 0) / sample.entropies.length / settings.samples;
    }
    return { seconds: seconds() - start, cpuSeconds: ownCpuSeconds() - cpuBefore, tokens, entropy };
  };

  // One token per sample first: warms the engine up, and its time is what prefill and the first tokens cost.
  const peak = watchMemory();
  const first = await generate(1);
  const full = await generate(settings.newTokens);
  const { isa, kernelFamily, threads } = model.info;
  await model.dispose();
  return {
    loadSeconds,
    firstTokenSeconds: first.seconds,
    seconds: full.seconds,
    cpuSeconds: full.cpuSeconds,
    peakAnonymousMiB: peak() / 2 ** 20,
    counts: full.tokens.map((list) => list.length),
    distinct: new Set(full.tokens.map((list) => list.join())).size,
    tokens: settings.returnTokens ? full.tokens : undefined,
    entropy: full.entropy,
    isa: `${isa} (${kernelFamily})`,
    threads,
  };
});
