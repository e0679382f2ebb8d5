/**
 * node-llama-cpp's logits after a prompt, with everything in float32 (weights, keys, values, no flash attention), for
 * the check that both engines compute the same model.
 */
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import { runTrial } from '../../lib/trial.mjs';

runTrial(async (/** @type {{modelPath: string, prompt: number[], threads: number}} */ { modelPath, prompt, threads }) => {
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: threads,
  });
  const model = await llama.loadModel({ modelPath });
  const context = await model.createContext({
    contextSize: prompt.length + 1,
    threads,
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
  });
  const sequence = context.getSequence();
  const input = /** @type {any[]} */ (
    prompt.map((token, i) => (i === prompt.length - 1 ? [token, { generateNext: { logits: true } }] : token))
  );
  const output = await sequence.controlledEvaluate(input);
  return { logits: [...(output.at(-1)?.next.logits ?? [])] };
});
