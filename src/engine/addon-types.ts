/**
 * The addon's exports as TypeScript sees them: a mirror of native/binding that people can read and a contract test holds
 * to the real thing. No behaviour. Values are checked before they get here; the addon throws on what would otherwise
 * read outside an array.
 */
import type { DeviceChoice, DType, FinishReason, RunPlan, SamplingParameters, StopPolicy } from './types.js';

/** A C++ error as data: `kind` is a row of native/base/error_codes.def. */
export interface NativeFault {
  readonly kind: 'internal' | 'usage' | 'input' | 'environment' | 'output';
  readonly message: string;
  readonly hint: string | null;
}

export interface NativeModelOptions {
  /** A Hugging Face folder, or a .gguf file. */
  readonly folder: string;
  readonly dtype: DType;
  readonly device: DeviceChoice;
  /** 0: what affinity and cgroup quotas allow. */
  readonly threads: number;
  /** Of the device that is used. 0: a share of what is free once the model is loaded. */
  readonly memoryBytes: number;
  readonly vocabulary: { readonly bytes: Uint8Array; readonly offsets: Uint32Array; readonly eosToken: number } | null;
}

export interface NativeGroup {
  readonly prompt: Int32Array;
  readonly promptBytes: Uint8Array;
  readonly heal: Uint8Array;
  readonly sampleIndices: Uint32Array;
  readonly key: bigint;
  readonly sampling: SamplingParameters;
  readonly maxNewTokens: number;
  readonly stopPolicy: StopPolicy;
  readonly stopStrings: readonly Uint8Array[];
}

export interface NativeSample {
  readonly group: number;
  readonly sampleIndex: number;
  readonly tokens: Int32Array;
  readonly logprobs: Float32Array;
  readonly entropies: Float32Array;
  readonly eosLogprob: number;
  readonly finishReason: FinishReason;
  readonly bytes: Uint8Array;
  readonly cut: number;
  readonly error: string | null;
}

export interface NativeActivation {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface NativeInfo {
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly vocabularySize: number;
  readonly context: number;
  readonly eosToken: number | null;
  readonly device: 'cpu' | 'cuda' | 'emulated';
  readonly deviceName: string;
  readonly deviceReason: string;
  readonly isa: string;
  readonly kernelFamily: string;
  readonly defaultBatch: number;
  readonly cpu: string;
  readonly threads: number;
}

/** What the engine's thread tells, in order. Every job ends with exactly one event other than `sample`. */
export type NativeEvent =
  | ({ readonly type: 'loaded' } & NativeInfo)
  | { readonly type: 'loadFailed'; readonly error: NativeFault }
  | { readonly type: 'sample'; readonly job: number; readonly sample: NativeSample }
  | { readonly type: 'done'; readonly job: number }
  | ({ readonly type: 'planned'; readonly job: number } & RunPlan)
  | { readonly type: 'activations'; readonly job: number; readonly activations: readonly NativeActivation[] }
  | { readonly type: 'cancelled'; readonly job: number }
  | { readonly type: 'failed'; readonly job: number; readonly error: NativeFault }
  | { readonly type: 'stopped' };

/**
 * One model with its thread. `generate`, `check` and `activations` return the job's number; jobs run in the order of the calls. After `stop`
 * they throw an Error with a `fault`.
 */
export interface NativeModel {
  /** `batch` 0 leaves the choice to the engine. */
  generate(groups: readonly NativeGroup[], batch: number): number;
  /** Ends with `planned` where the same `generate` would begin, and with its `failed` where it would not. */
  check(groups: readonly NativeGroup[], batch: number): number;
  activations(tokens: Int32Array, hooks: readonly string[]): number;
  /** The job ends with `cancelled` within one forward pass, unless it ends otherwise before. */
  cancel(job: number): void;
  /** Cancels all jobs; `stopped` comes last, once, when memory and thread are free. */
  stop(): void;
}

export interface NativePlanOptions {
  readonly folder: string;
  readonly dtype: DType;
  readonly device: DeviceChoice;
  /** 0: the share of what would be free that a run takes. */
  readonly memoryBytes: number;
  readonly samples: number;
  readonly promptTokens: number;
  readonly newTokens: number;
}

/** What a run of so many samples of one prompt takes. All sizes in bytes. */
export interface NativePlan {
  readonly device: 'cpu' | 'cuda' | 'emulated';
  readonly deviceName: string;
  readonly deviceReason: string;
  /** Of the model, beside the budget. */
  readonly weightBytes: number;
  /** What was asked for, cut to what is free beside weights, reserve and other runs. */
  readonly budgetBytes: number;
  /** Of what is free beside the weights, what no plan uses: for Node, samples that wait and the sandbox. 0 on a GPU. */
  readonly reserveBytes: number;
  /** What was asked for, cut to what the context leaves. */
  readonly newTokens: number;
  readonly activationBytes: number;
  /** The prompt's keys, values and logits, stored once. */
  readonly prefixBytes: number;
  /** Keys and values of one sample's own tokens. */
  readonly suffixBytes: number;
  /** Activations, prefix and the suffixes of all slots. */
  readonly plannedBytes: number;
  /** Samples drawn at a time, where the batch is as large as their number. */
  readonly slots: number;
  /** Drawn at a time by a run that names no batch, at most. */
  readonly defaultBatch: number;
  /** The most that fit the budget, however many samples there are. */
  readonly mostSlots: number;
}

export interface NativeEngineReport {
  /** Why FAULTLINE_FORCE_ISA cannot be met: the rest is then what would be picked without it. Null where it can, or is not set. */
  readonly fault: NativeFault | null;
  readonly cpu: string;
  readonly isa: string;
  /** Of models in bfloat16. */
  readonly kernelFamily: string;
  /** Best first, with the reason why a better one was not picked. */
  readonly candidates: readonly { readonly isa: string; readonly picked: boolean; readonly refused: string | null }[];
  readonly kernels: readonly { readonly op: string; readonly isa: string; readonly function: string }[];
}

export interface NativeDevice {
  readonly name: string;
  /** Compute capability. */
  readonly major: number;
  readonly minor: number;
  readonly multiprocessors: number;
  readonly memoryBytes: number;
  /** Newest CUDA that the driver serves, and the one that the library was built with: 13010 is 13.1; 0 where there is none. */
  readonly driver: number;
  readonly runtime: number;
}

export interface NativeDeviceReport {
  readonly usable: boolean;
  /** Path of the backend's library, loaded or looked for. */
  readonly library: string;
  /** What the library calls itself: `cuda`, or `emulated` in tests; null where none was loaded. */
  readonly backend: string | null;
  readonly devices: readonly NativeDevice[];
  readonly kernels: readonly { readonly op: string; readonly type: string; readonly function: string }[];
  /** Why it is not usable; null where it is. */
  readonly refused: string | null;
  readonly hint: string | null;
}

export interface Addon {
  readonly NativeModel: new (options: NativeModelOptions, onEvents: (events: readonly NativeEvent[]) => void) => NativeModel;
  /** Throws nothing for what the machine or its environment variables may say. */
  engineReport(): NativeEngineReport;
  /** Looks once per process; throws nothing for what the machine may lack. */
  deviceReport(): NativeDeviceReport;
  /** Reads the model's config alone. Throws an Error with a `fault` for a bad model folder and for what does not fit. */
  memoryPlan(options: NativePlanOptions): NativePlan;
  hookPoints(layers: number): { readonly name: string; readonly dimensions: readonly string[] }[];
}
