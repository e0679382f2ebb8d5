/**
 * A loaded model: tokens in, tokens out. Owns one native engine with its thread; the event loop is never held longer
 * than turning finished samples into objects takes. Knows no text and no problem.
 */
import { THREADS_MOST } from '../config/schema.js';
import { FaultlineError } from '../errors.js';
import { ggufFileOf } from '../gguf.js';
import { addon } from './addon.js';
import type { NativeEvent, NativeGroup, NativeInfo, NativeModel } from './addon-types.js';
import { checkHooks } from './hook-points.js';
import { modelHash } from './model-hash.js';
import { fromFault, fromThrown } from './native-error.js';
import type { ActivationArray, DType, EngineInfo, EngineOptions, GroupRequest, HookPoint, RunPlan, SampleTokens } from './types.js';

/** Events of one job, handed to whoever waits for it. */
type JobListener = (event: NativeEvent) => void;

/**
 * Where events go. Apart from the model, because the native side holds on to it: were it the model itself, a model that
 * everybody forgot could never be collected.
 */
interface Switchboard {
  readonly jobs: Map<number, JobListener>;
  onLoaded: (event: NativeEvent) => void;
  onStopped: () => void;
}

const INT32_MOST = 2 ** 31 - 1;
const UINT32_MOST = 2 ** 32 - 1;
const UINT64_MOST = 2n ** 64n - 1n;

export class TokenModel {
  readonly info: EngineInfo;
  readonly #native: NativeModel;
  readonly #switchboard: Switchboard;
  readonly #hookPoints: readonly HookPoint[];
  #disposed: Promise<void> | undefined;

  private constructor(info: EngineInfo, native: NativeModel, switchboard: Switchboard) {
    this.info = info;
    this.#native = native;
    this.#switchboard = switchboard;
    this.#hookPoints = addon().hookPoints(info.layers);
  }

  /**
   * Loads a GGUF file, or a Hugging Face folder (config.json and safetensors). Errors are `FaultlineError`s: `input` for
   * whatever is wrong with the files, `environment` when the addon, memory, the forced instruction set or the device asked
   * for is lacking, `usage` for an option out of range.
   */
  static async load(model: string, options: EngineOptions): Promise<TokenModel> {
    const folder = ggufFileOf(model) ?? model;
    const { dtype, device = 'auto', threads, memoryBytes, vocabulary = null } = options;
    if (threads !== undefined) requireInteger('threads', threads, 1, THREADS_MOST);
    if (memoryBytes !== undefined) requireInteger('memoryBytes', memoryBytes, 1, Number.MAX_SAFE_INTEGER);
    const { NativeModel: Native } = addon();

    const switchboard: Switchboard = { jobs: new Map(), onLoaded: () => undefined, onStopped: () => undefined };
    const loaded = new Promise<NativeInfo>((resolve, reject) => {
      switchboard.onLoaded = (event) => {
        if (event.type === 'loaded') resolve(event);
        else if (event.type === 'loadFailed') reject(fromFault(event.error));
      };
    });
    let native: NativeModel;
    try {
      const nativeOptions = { folder, dtype, device, threads: threads ?? 0, memoryBytes: memoryBytes ?? 0, vocabulary };
      native = new Native(nativeOptions, (events) => dispatch(switchboard, events));
    } catch (error) {
      throw fromThrown(error);
    }
    // Hashing reads the same files while the engine packs them. A file that is missing or damaged is the engine's to
    // explain, so its error wins over the hash's.
    const hash = modelHash(folder);
    hash.catch(() => undefined);
    try {
      return new TokenModel(engineInfo(await loaded, dtype, await hash), native, switchboard);
    } catch (error) {
      await stop(native, switchboard);
      throw error;
    }
  }

  /**
   * Draws every sample of every group and yields each as it finishes, in no particular order. What a sample holds
   * depends on its group and index alone, not on batch, threads or company. `batch`: samples drawn at the same time at
   * most; without it as many as are worth while and fit. Leaving the loop early cancels the rest.
   *
   * Rejects with a `usage` error that names the group before anything runs, with an `environment` error when not one
   * sample fits the memory budget, or not the `batch` (it names the largest that does), and with the signal's reason
   * when that is aborted. A prompt that cannot be generated from fails as its samples' own `error`; the others go on.
   */
  async *generate(
    groups: readonly GroupRequest[],
    options: { batch?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<SampleTokens, void, void> {
    const { signal } = options;
    const { natives, batch } = toCall(groups, options);
    const waiting: SampleTokens[] = [];
    const job = this.#run((native) => native.generate(natives, batch), signal);
    job.onSample = (sample) => waiting.push(sample);
    try {
      for (;;) {
        // All that wait, the last first, so that taking one moves no others: of 240,000 for a caller who was busy elsewhere, taking each
        // from the front held the event loop for a minute.
        const taken = waiting.splice(0).reverse();
        for (let sample = taken.pop(); sample !== undefined; sample = taken.pop()) {
          signal?.throwIfAborted();
          yield sample;
        }
        if (waiting.length > 0) continue;
        if (job.ended) break;
        await job.news();
      }
      job.result();
    } finally {
      job.close();
    }
  }

  /**
   * What the same `generate` would take, as things are now. Rejects with its error where it would not begin. Runs and
   * allocates nothing, and keeps nothing from other runs.
   */
  async check(groups: readonly GroupRequest[], options: { batch?: number; signal?: AbortSignal } = {}): Promise<RunPlan> {
    const { natives, batch } = toCall(groups, options);
    const job = this.#run((native) => native.check(natives, batch), options.signal);
    try {
      while (!job.ended) await job.news();
      const event = job.result();
      if (event.type !== 'planned') throw new FaultlineError('internal', `engine: unexpected event ${event.type}`);
      const { weightBytes, budgetBytes, plannedBytes, slots } = event;
      return { weightBytes, budgetBytes, plannedBytes, slots };
    } finally {
      job.close();
    }
  }

  /**
   * What the given hook points carry while the model reads `tokens`, by name, in the order asked for. Rejects with a
   * `usage` error for an unknown name (with the nearest ones), a token outside the vocabulary or too many tokens, with
   * an `environment` error when it does not fit the memory budget, and with the signal's reason when that is aborted.
   */
  async activations(
    tokens: Int32Array,
    hooks: readonly string[],
    options: { signal?: AbortSignal } = {},
  ): Promise<Map<string, ActivationArray>> {
    this.#requireOpen();
    checkHooks(hooks, this.#hookPoints);
    const job = this.#run((native) => native.activations(tokens, [...hooks]), options.signal);
    try {
      while (!job.ended) await job.news();
      const event = job.result();
      if (event.type !== 'activations') throw new FaultlineError('internal', `engine: unexpected event ${event.type}`);
      return new Map(event.activations.map(({ name, shape, data }) => [name, { shape, data }]));
    } finally {
      job.close();
    }
  }

  /** The hook points of this model, in the order in which the forward pass reaches them. */
  hookPoints(): readonly HookPoint[] {
    return this.#hookPoints;
  }

  /** Cancels what runs, joins the thread and frees the memory. Idempotent; what was running and every later call rejects. */
  dispose(): Promise<void> {
    return (this.#disposed ??= stop(this.#native, this.#switchboard));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #requireOpen(): void {
    if (this.#disposed !== undefined) throw disposedError();
  }

  #run(start: (native: NativeModel) => number, signal: AbortSignal | undefined): Job {
    this.#requireOpen();
    signal?.throwIfAborted();
    try {
      return new Job(this.#native, this.#switchboard, start(this.#native), signal);
    } catch (error) {
      throw fromThrown(error);
    }
  }
}

/**
 * One call under way: collects its events until the last, or until the signal aborts. The switchboard and the signal hold it, and
 * both may outlive whoever asked: so it must not hold the model, or one that was forgotten in the middle of a run would stay, with its
 * thread, for ever. The function that waits for the job holds the model.
 */
class Job {
  /** Whether the last event has come, or the signal was aborted. */
  ended = false;
  onSample: (sample: SampleTokens) => void = () => undefined;
  readonly #native: WeakRef<NativeModel>;
  readonly #switchboard: Switchboard;
  readonly #id: number;
  readonly #signal: AbortSignal | undefined;
  #last: NativeEvent | undefined;
  #wake: () => void = () => undefined;

  constructor(native: NativeModel, switchboard: Switchboard, id: number, signal: AbortSignal | undefined) {
    this.#native = new WeakRef(native);
    this.#switchboard = switchboard;
    this.#id = id;
    this.#signal = signal;
    switchboard.jobs.set(id, (event) => this.#take(event));
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** Cancels at once: whoever holds a sample may take long over it, or never ask for the next one. */
  readonly #abort = (): void => {
    this.ended = true;
    this.#cancel();
    this.#wake();
  };

  #take(event: NativeEvent): void {
    if (event.type === 'sample') {
      this.onSample(event.sample);
    } else {
      this.#last = event;
      this.ended = true;
      this.#forget();
    }
    this.#wake();
  }

  /** Resolves at the next event. */
  news(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** The last event of a job that ended well; throws what it failed with otherwise. */
  result(): NativeEvent {
    this.#signal?.throwIfAborted();
    const event = this.#last!;
    if (event.type === 'failed') throw fromFault(event.error);
    // Only dispose() cancels a job that somebody still waits for.
    if (event.type === 'cancelled') throw disposedError();
    return event;
  }

  /** Cancels what still runs and forgets the job. */
  close(): void {
    this.#forget();
    this.#cancel();
  }

  #cancel(): void {
    if (this.#last === undefined) this.#native.deref()?.cancel(this.#id);
  }

  /** Nothing more comes for it, or is wanted. */
  #forget(): void {
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#switchboard.jobs.delete(this.#id);
  }
}

function engineInfo(native: NativeInfo, dtype: DType, hash: string): EngineInfo {
  const { layers, heads, width, vocabularySize, context, eosToken } = native;
  const { device, deviceName, deviceReason, isa, kernelFamily, defaultBatch, cpu, threads } = native;
  return {
    architecture: 'gpt2',
    ...{ layers, heads, width, vocabularySize, context, eosToken, dtype, modelHash: hash },
    ...{ device, deviceName, deviceReason, isa, kernelFamily, defaultBatch, cpu, threads },
  };
}

function dispatch(switchboard: Switchboard, events: readonly NativeEvent[]): void {
  for (const event of events) {
    if (event.type === 'loaded' || event.type === 'loadFailed') switchboard.onLoaded(event);
    else if (event.type === 'stopped') switchboard.onStopped();
    else switchboard.jobs.get(event.job)?.(event);
  }
}

function stop(native: NativeModel, switchboard: Switchboard): Promise<void> {
  return new Promise((resolve) => {
    switchboard.onStopped = resolve;
    native.stop();
  });
}

function disposedError(): FaultlineError {
  return new FaultlineError('usage', 'the model is disposed', { hint: 'Load it again.' });
}

function requireInteger(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new FaultlineError('usage', `${name} is ${value}, but must be an integer from ${least} to ${most}`);
}

/** What `generate` and `check` hand to the addon. */
function toCall(groups: readonly GroupRequest[], { batch }: { batch?: number }): { natives: NativeGroup[]; batch: number } {
  if (batch !== undefined) requireInteger('batch', batch, 1, INT32_MOST);
  return { natives: groups.map(toNative), batch: batch ?? 0 };
}

/** Checks what C++ types could not hold; what the engine can check, it checks. */
function toNative(group: GroupRequest, index: number): NativeGroup {
  const where = `group ${index}: `;
  requireInteger(`${where}maxNewTokens`, group.maxNewTokens, 1, INT32_MOST);
  requireInteger(`${where}topK`, group.sampling.topK, 0, INT32_MOST);
  const indexName = `${where}sample index`;
  for (const sampleIndex of group.sampleIndices) requireInteger(indexName, sampleIndex, 0, UINT32_MOST);
  if (group.key < 0n || group.key > UINT64_MOST)
    throw new FaultlineError('usage', `${where}key is ${group.key}, but must be an unsigned 64-bit integer`);
  if (group.stopPolicy === 'function' && group.promptBytes === undefined)
    throw new FaultlineError('usage', `${where}stop policy function needs the prompt's bytes`);
  return {
    prompt: group.prompt,
    promptBytes: group.promptBytes ?? new Uint8Array(),
    heal: group.heal ?? new Uint8Array(),
    sampleIndices: Uint32Array.from(group.sampleIndices),
    key: group.key,
    sampling: group.sampling,
    maxNewTokens: group.maxNewTokens,
    stopPolicy: group.stopPolicy,
    stopStrings: group.stopStrings ?? [],
  };
}
