/**
 * The engine as the rest of the program sees it: tokens in, tokens out. Knows no text: the vocabulary arrives as
 * bytes, so that the engine can heal prompts and find where a function ends, and nothing else.
 */

/** `int8`: weights by column, activations by row; on CPUs only. */
export type DType = 'float32' | 'bfloat16' | 'int8';

/** Where a model is to run. `auto` is CUDA where that can be used and the CPU elsewhere; `cuda` is never the CPU instead. */
export type DeviceChoice = 'auto' | 'cpu' | 'cuda';

/** Bytes of each token: token i is `bytes.subarray(offsets[i], offsets[i + 1])`. Special tokens are empty. */
export interface Vocabulary {
  readonly bytes: Uint8Array;
  /** Length: vocabulary size + 1. */
  readonly offsets: Uint32Array;
  readonly eosToken: number;
}

export interface EngineOptions {
  readonly dtype: DType;
  /** Default: `auto`. */
  readonly device?: DeviceChoice;
  /** Engine threads; default: what affinity and cgroup quotas allow. */
  readonly threads?: number;
  /**
   * Budget for keys, values and activations, of the memory of the device that is used. Default: half of what the cgroup or
   * machine has free; on a GPU nine tenths of what it has free.
   */
  readonly memoryBytes?: number;
  /** Needed for `heal`, stop strings and `function`; generation without them works on tokens alone. */
  readonly vocabulary?: Vocabulary;
}

/** What was loaded and what runs it; recorded with every experiment. */
export interface EngineInfo {
  readonly architecture: 'gpt2';
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly vocabularySize: number;
  readonly context: number;
  readonly eosToken: number | null;
  readonly dtype: DType;
  /** SHA-256 over config.json and the weight files, or over the GGUF file, in hexadecimal. */
  readonly modelHash: string;
  /** What computes; `emulated` is the tests' stand-in for a GPU. */
  readonly device: 'cpu' | 'cuda' | 'emulated';
  /** Its product name, such as `NVIDIA H200`; the CPU's where that computes. */
  readonly deviceName: string;
  /** Why it is this device, a sentence without a full stop. */
  readonly deviceReason: string;
  /**
   * Instruction set in use: `scalar`, `neon`, `avx2`, `avxvnni`, `avx512`, `avx512vnni`, `avx512bf16`, `amx`; on a GPU its architecture, such as
   * `sm_90`.
   */
  readonly isa: string;
  /**
   * What results are the same under: `fma` for float32; for bfloat16 `fma-2`, `dpbf16-2` or `amx-2` on CPUs, and `mma2` on GPUs, there on one
   * architecture only; `int8-2` for int8. The number is another one whenever other bits come out of the same products.
   */
  readonly kernelFamily: string;
  /** Samples drawn at a time where a call names no batch and memory allows them. */
  readonly defaultBatch: number;
  /** The machine's CPU, also where a GPU computes. */
  readonly cpu: string;
  readonly threads: number;
}

/**
 * How tokens are drawn. Truncations apply after temperature and in this order, each to what the one before it left; ties with
 * the last token kept are kept. `minP`, `typical` and `eta` run on the CPU only.
 */
export interface SamplingParameters {
  /** 0 means greedy. */
  readonly temperature: number;
  /** 0 switches it off. */
  readonly topK: number;
  /** 1 switches it off. */
  readonly topP: number;
  /** Keeps tokens at least so many times as likely as the likeliest; 0 switches it off. */
  readonly minP: number;
  /** Keeps the tokens whose surprise is nearest the entropy, until they hold this probability; 1 switches it off. */
  readonly typical: number;
  /** Epsilon: keeps tokens of probability min(epsilon, sqrt(epsilon) exp(-entropy)) or more; 0 switches it off. */
  readonly eta: number;
}

/** What a call of `generate` takes of memory beside the loaded model, in bytes. */
export interface RunPlan {
  /** Of the model, beside the budget. */
  readonly weightBytes: number;
  /** What was asked for, cut to what is free now and promised to no other run of this process. */
  readonly budgetBytes: number;
  /** Activations, the prompts that fill the slots with what heals them, and what the slots draw. */
  readonly plannedBytes: number;
  /** Samples drawn at a time. */
  readonly slots: number;
}

export type StopPolicy = 'function' | 'eos' | 'none';

/** One prompt, n samples. */
export interface GroupRequest {
  /** Token ids of the whole prompt. */
  readonly prompt: Int32Array;
  /** Bytes of the prompt; used by stop policy `function` to know the state in which the completion starts. */
  readonly promptBytes?: Uint8Array;
  /** Bytes that the first tokens must reproduce (the removed last token's), empty for none; at most the longest token's. */
  readonly heal?: Uint8Array;
  /** Which sample indices to draw; each is drawn independently of the others. */
  readonly sampleIndices: readonly number[];
  /** Experiment seed XOR the 64-bit hash of the task's id. */
  readonly key: bigint;
  readonly sampling: SamplingParameters;
  readonly maxNewTokens: number;
  readonly stopPolicy: StopPolicy;
  readonly stopStrings?: readonly Uint8Array[];
}

/** Why a sample ended. */
export type FinishReason = 'eos' | 'stop' | 'function' | 'length' | 'context' | 'error';

/** The `error` of a sample whose logits held NaN, or nothing but infinities; `native/sampler/sampler.h` says the same. */
export const NOT_FINITE = "the model's logits are not finite";

/** One finished sample. */
export interface SampleTokens {
  /** Index into the array of groups given to `generate`. */
  readonly group: number;
  readonly sampleIndex: number;
  /** Generated tokens, healing tokens included, the end-of-text token excluded. */
  readonly tokens: Int32Array;
  /** Log-probability of each token under the unmodified model (temperature 1, no mask), aligned with `tokens`. */
  readonly logprobs: Float32Array;
  /** Entropy in nats of the unmodified distribution each token was drawn from. */
  readonly entropies: Float32Array;
  /** Log-probability of the end-of-text token where `finishReason` is `eos`, else NaN. */
  readonly eosLogprob: number;
  readonly finishReason: FinishReason;
  /** Bytes of `tokens`, healed bytes removed: what follows the prompt's last character. */
  readonly bytes: Uint8Array;
  /** How many of `bytes` belong to the completion: the rest is past a stop string or the function's end. */
  readonly cut: number;
  /** Why this sample failed, with `finishReason` `error`; else null. */
  readonly error: string | null;
}

export interface ActivationArray {
  /** Row-major, for example [positions, width]. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface HookPoint {
  readonly name: string;
  /** Symbolic, for example `['position', 'head', 'headWidth']`. */
  readonly dimensions: readonly string[];
}
