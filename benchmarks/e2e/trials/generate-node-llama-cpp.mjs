/**
 * One trial of node-llama-cpp: n samples of one prompt through its public API, set up as fast as that API allows. Not
 * a benchmark by itself (see ../generate-vs-node-llama-cpp.mjs).
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ownCpuSeconds, watchMemory } from '../../lib/machine.mjs';
import { runTrial } from '../../lib/trial.mjs';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';

/**
 * @typedef {object} PeerSettings
 * @property {string} modelPath
 * @property {string} promptText
 * @property {number} promptTokens as which it must come out
 * @property {number} samples
 * @property {number} newTokens every sample generates exactly this many
 * @property {number} temperature
 * @property {number} topP
 * @property {number} threads
 * @property {number} sequences decoded in one batch
 * @property {'shared' | 'each'} prefill `shared`: the prompt is evaluated once and its state loaded into the other
 *   sequences; `each`: every sample evaluates the prompt, as the obvious use of the API does
 * @property {boolean} [returnTokens]
 */

const seconds = () => performance.now() / 1000;

runTrial(async (/** @type {PeerSettings} */ settings) => {
  const beforeLoad = seconds();
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.error,
    maxThreads: settings.threads,
  });
  const model = await llama.loadModel({ modelPath: settings.modelPath });
  const context = await model.createContext({
    sequences: settings.sequences,
    // One more than is used: the library keeps a cell free and would shift the context otherwise.
    contextSize: settings.promptTokens + settings.newTokens + 1,
    threads: settings.threads,
    flashAttention: true,
  });
  const sequences = Array.from({ length: settings.sequences }, () => context.getSequence());
  const loadSeconds = seconds() - beforeLoad;

  // Memory-backed where there is such a folder, so that sharing the prompt's state costs the peer no disk access.
  const stateFolder = fs.mkdtempSync(path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'peer-state-'));

  /** Generates all samples from empty sequences. @param {number} newTokens @returns {Promise<{seconds: number, cpuSeconds: number, tokens: number[][]}>} */
  const generate = async (newTokens) => {
    for (const sequence of sequences) await sequence.clearHistory();
    /** @type {number[][]} */
    const tokens = Array.from({ length: settings.samples }, () => []);
    const cpuBefore = ownCpuSeconds();
    const start = seconds();
    const prompt = model.tokenize(settings.promptText);
    if (prompt.length !== settings.promptTokens) throw new Error(`the prompt came out as ${prompt.length} tokens`);
    const body = prompt.slice(0, -1);
    const lastToken = prompt[prompt.length - 1];
    const used = sequences.slice(0, settings.samples);
    if (settings.prefill === 'shared') {
      const stateFile = path.join(stateFolder, 'prompt');
      await used[0].evaluateWithoutGeneratingNewTokens(body);
      if (used.length > 1) await used[0].saveStateToFile(stateFile);
      for (const sequence of used.slice(1)) await sequence.loadStateFromFile(stateFile, { acceptRisk: true });
    }
    let next = 0;
    const work = async (/** @type {typeof sequences[number]} */ sequence) => {
      while (next < settings.samples) {
        const sample = next++;
        // What earlier samples left goes; in shared mode the prompt's own state stays.
        const keep = settings.prefill === 'shared' ? body.length : 0;
        if (sequence.nextTokenIndex > keep) await sequence.eraseContextTokenRanges([{ start: keep, end: sequence.nextTokenIndex }]);
        const input = settings.prefill === 'shared' ? [lastToken] : [...body, lastToken];
        const stream = sequence.evaluate(input, {
          temperature: settings.temperature,
          topP: settings.topP,
          topK: 0,
          seed: sample + 1,
          yieldEogToken: true,
        });
        for await (const token of stream) {
          tokens[sample].push(token);
          if (tokens[sample].length === newTokens) break;
        }
      }
    };
    await Promise.all(used.map(work));
    return { seconds: seconds() - start, cpuSeconds: ownCpuSeconds() - cpuBefore, tokens };
  };

  try {
    // One token per sample first: warms the engine up, and its time is what prefill and the first tokens cost.
    const peak = watchMemory();
    const first = await generate(1);
    const full = await generate(settings.newTokens);
    return {
      loadSeconds,
      firstTokenSeconds: first.seconds,
      seconds: full.seconds,
      cpuSeconds: full.cpuSeconds,
      peakAnonymousMiB: peak() / 2 ** 20,
      counts: full.tokens.map((list) => list.length),
      distinct: new Set(full.tokens.map((list) => list.join())).size,
      tokens: settings.returnTokens ? full.tokens : undefined,
      isa: llama.systemInfo,
      threads: context.currentThreads,
    };
  } finally {
    fs.rmSync(stateFolder, { recursive: true });
  }
});
