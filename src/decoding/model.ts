/**
 * A model that takes text and gives text: the engine, the tokenizer and the prompt boundary joined. This is the
 * library's entry point. It executes nothing, stores nothing, and knows no dataset beyond `taskId` and `prompt`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SAMPLES_MOST } from '../config/schema.js';
import { locateModel } from '../datasets/models.js';
import type {
  ActivationArray,
  DeviceChoice,
  DType,
  EngineInfo,
  EngineOptions,
  FinishReason,
  GroupRequest,
  HookPoint,
  RunPlan,
  SamplingParameters,
  SampleTokens,
  StopPolicy,
  Vocabulary,
} from '../engine/types.js';
import { FaultlineError } from '../errors.js';
import { ggufFileOf, readGgufHeader } from '../gguf.js';
import { loadTokenizer } from '../tokenizer/bpe.js';
import type { Tokenizer } from '../tokenizer/types.js';
import { checkedSeed, sampleKey } from './keys.js';
import { completionText, preparePrompt, PROMPT_BOUNDARIES, type PromptBoundary } from './prompt-boundary.js';
import { resolveStrategy } from './strategy.js';

/** The part of the engine that a model needs: `TokenModel` is it. Stated here so that tests can put another in its place. */
export interface TokenEngine {
  readonly info: EngineInfo;
  generate(groups: readonly GroupRequest[], options: { batch?: number; signal?: AbortSignal }): AsyncIterable<SampleTokens>;
  check(groups: readonly GroupRequest[], options: { batch?: number; signal?: AbortSignal }): Promise<RunPlan>;
  activations(tokens: Int32Array, hooks: readonly string[], options: { signal?: AbortSignal }): Promise<Map<string, ActivationArray>>;
  hookPoints(): readonly HookPoint[];
  dispose(): Promise<void>;
}

export interface LoadOptions {
  /**
   * Default: `float32`, the same on every CPU and GPU. `bfloat16` halves memory and is faster where the hardware has it. `int8`, the same on
   * every CPU and refused by CUDA, quarters memory and is coarser than both (`faultline precision` measures how much).
   */
  readonly dtype?: DType;
  /** Default: as many as affinity and cgroup quotas allow. */
  readonly threads?: number;
  /** Budget for keys, values and activations. Default: the engine's. */
  readonly memoryBytes?: number;
  /**
   * Default: `auto`, which is CUDA where that can be used and the CPU elsewhere; `model.info` says which, and why. With
   * `cuda` loading fails where it cannot be used.
   */
  readonly device?: DeviceChoice;
  /** Where fetched models lie. Default: `$FAULTLINE_HOME`, else `~/.cache/faultline`. */
  readonly dataHome?: string;
}

/** What is generated from. A `Problem` fits. */
export interface PromptSource {
  /** Decides the sample's random numbers together with the seed; unique within a call. */
  readonly taskId: string;
  readonly prompt: string;
}

export interface GenerateOptions {
  /** What to continue; or `prompts`. */
  readonly problems?: readonly PromptSource[];
  /** Plain texts; their task ids are `prompt/0`, `prompt/1` ... */
  readonly prompts?: readonly string[];
  /**
   * How many samples of each problem (default 1; at most a million), or which sample indices of a task: a sample is the same whichever
   * others are drawn with it, so that an interrupted run can ask for what is missing.
   */
  readonly samples?: number | ((taskId: string) => readonly number[]);
  /** 64 bits; default 0. */
  readonly seed?: bigint | number;
  /** Default: the model's own distribution. Temperature 0 is greedy. */
  readonly sampling?: Partial<SamplingParameters>;
  /** Default: 256. */
  readonly maxNewTokens?: number;
  /** Default: `heal`. */
  readonly promptBoundary?: PromptBoundary;
  /** Default: `function`: a completion ends where the function that the prompt opened ends. */
  readonly stopPolicy?: StopPolicy;
  /** A completion ends before the first of these. */
  readonly stopStrings?: readonly string[];
  /**
   * The most samples computed at once; one that does not fit the memory budget is an error that names the largest that
   * does. Default: 128 on the CPU, 12 for each multiprocessor of a GPU, or fewer where fewer fit. Changes no result.
   */
  readonly batch?: number;
  /** Stops within one step; the iteration then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** One finished sample. */
export interface Sample {
  readonly taskId: string;
  readonly sampleIndex: number;
  /** What follows the prompt's last character and is executed. */
  readonly completion: string;
  /** Everything that was generated; `completion` is its beginning. */
  readonly rawText: string;
  /** UTF-16 length of `completion` within `rawText`. */
  readonly cut: number;
  readonly finishReason: FinishReason;
  /** Generated tokens, those that healed the boundary included, the end-of-text token not. */
  readonly tokens: Int32Array;
  /** Log-probability of each token under the unmodified model. */
  readonly logprobs: Float32Array;
  /** Entropy in nats of the unmodified distribution each token was drawn from. */
  readonly entropies: Float32Array;
  /** The experiment's seed, decimal. */
  readonly seed: string;
  /** Why this sample failed, for instance because the prompt leaves no room; else null. */
  readonly error: string | null;
}

const DEVICES: readonly DeviceChoice[] = ['auto', 'cpu', 'cuda'];
const STOP_POLICIES: readonly StopPolicy[] = ['function', 'eos', 'none'];

/**
 * A loaded model.
 *
 * @example
 * ```ts
 * import { Model } from 'faultline';
 *
 * await using model = await Model.load('pico-gpt2-py');
 * const samples = model.generate({
 *   prompts: ['def add(a, b):\n    """Return a + b."""\n'],
 *   samples: 10,
 *   sampling: { temperature: 0.8, topP: 0.95 },
 * });
 * for await (const sample of samples) console.log(sample.sampleIndex, sample.completion);
 * ```
 */
export class Model {
  /** The folder that was loaded. */
  readonly folder: string;
  readonly tokenizer: Tokenizer;
  readonly #engine: TokenEngine;

  private constructor(folder: string, tokenizer: Tokenizer, engine: TokenEngine) {
    this.folder = folder;
    this.tokenizer = tokenizer;
    this.#engine = engine;
  }

  /**
   * Loads a model folder in the Hugging Face layout, a GGUF file, the bundled model (`pico-gpt2-py`) or a fetched one
   * (`gpt2`).
   * Dispose it when done: threads and memory are not the garbage collector's.
   *
   * Errors are `FaultlineError`s of kind `input` (a missing or damaged file, named), `environment` (no addon, no such
   * device) or `usage`.
   */
  static async load(nameOrFolder: string, options: LoadOptions = {}): Promise<Model> {
    const { dtype = 'float32', device = 'auto', threads, memoryBytes } = options;
    requireChoice('device', device, DEVICES);
    const folder = locateModel(nameOrFolder, options.dataHome);
    const tokenizer = await loadTokenizer(folder);
    const vocabulary = fitVocabulary(tokenizer, await vocabularySizeOf(folder), folder);
    // The addon is loaded with the first model, not with the library: `--help` and reports need none.
    const { TokenModel } = await import('../engine/token-model.js');
    const engineOptions: EngineOptions = {
      dtype,
      device,
      vocabulary,
      ...(threads === undefined ? {} : { threads }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
    return new Model(folder, tokenizer, await TokenModel.load(folder, engineOptions));
  }

  /** Joins an engine and a tokenizer that are already there. The model owns the engine from then on. */
  static of(engine: TokenEngine, tokenizer: Tokenizer, folder = ''): Model {
    return new Model(folder, tokenizer, engine);
  }

  /** Shapes, dtype, hashes and what runs it. */
  get info(): EngineInfo {
    return this.#engine.info;
  }

  /**
   * Generates samples and yields each as it finishes, in no particular order. What a sample holds depends on the model,
   * the prompt, the seed, the task id and the sample index, and on nothing else: not on batch, threads or company.
   *
   * Rejects with a `usage` error that names the option before anything runs. A prompt that cannot be generated from
   * fails as its samples' own `error`; the others go on.
   */
  async *generate(options: GenerateOptions): AsyncGenerator<Sample, void, void> {
    const plan = this.#plan(options);
    if (plan.groups.length === 0) return;
    for await (const result of this.#engine.generate(plan.groups, engineOptionsOf(options))) {
      const { taskId, strippedText } = plan.sources[result.group]!;
      yield {
        taskId,
        sampleIndex: result.sampleIndex,
        ...completionText(result.bytes, result.cut, strippedText),
        finishReason: result.finishReason,
        tokens: result.tokens,
        logprobs: result.logprobs,
        entropies: result.entropies,
        seed: plan.seed,
        error: result.error,
      };
    }
  }

  /**
   * What `generate` with the same options would take of memory; null where there is nothing to draw. Rejects with the error that it would
   * reject with before it draws anything, such as a batch that does not fit the memory budget. For callers that have more to start than a
   * model.
   */
  async check(options: GenerateOptions): Promise<RunPlan | null> {
    const { groups } = this.#plan(options);
    return groups.length === 0 ? null : this.#engine.check(groups, engineOptionsOf(options));
  }

  /** Like `generate`, all at once, in the order of the problems and then of the sample indices. */
  async generateAll(options: GenerateOptions): Promise<Sample[]> {
    const samples: Sample[] = [];
    for await (const sample of this.generate(options)) samples.push(sample);
    const position = new Map(sourcesOf(options).map((source, index) => [source.taskId, index]));
    return samples.sort((a, b) => position.get(a.taskId)! - position.get(b.taskId)! || a.sampleIndex - b.sampleIndex);
  }

  /**
   * What the given hook points carry while the model reads a text or tokens; a text begins with the special tokens that
   * the model's tokenizer asks for. Names are TransformerLens's; see `hookPoints`.
   *
   * @example
   * ```ts
   * const { shape, data } = (await model.activations('def add(a, b):', ['blocks.0.hook_resid_post'])).get('blocks.0.hook_resid_post')!;
   * ```
   * Errors are `usage`: an unknown name (with the nearest ones), a token outside the vocabulary.
   */
  async activations(
    input: string | Int32Array | readonly number[],
    hooks: readonly string[],
    options: { signal?: AbortSignal } = {},
  ): Promise<Map<string, ActivationArray>> {
    const tokens = typeof input === 'string' ? this.tokenizer.encodePrompt(input) : this.#asTokens(input);
    return this.#engine.activations(tokens, hooks, options);
  }

  /** The hook points of this model with their symbolic shapes. */
  hookPoints(): readonly HookPoint[] {
    return this.#engine.hookPoints();
  }

  /** Stops what is running, joins the threads and frees the memory. Idempotent; every later call rejects. */
  async dispose(): Promise<void> {
    await this.#engine.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** An Int32Array would round 1.5, and wrap 2^32 + 5 to 5: tokens that nobody asked for. */
  #asTokens(input: Int32Array | readonly number[]): Int32Array {
    const size = this.info.vocabularySize;
    const wrong = input.find((token) => !Number.isInteger(token) || token < 0 || token >= size);
    if (wrong === undefined) return Int32Array.from(input);
    throw new FaultlineError('usage', `token ${wrong} is outside the vocabulary of ${size}`, {
      hint: `Tokens are whole numbers from 0 to ${size - 1}.`,
    });
  }

  /** Checks every option and turns the prompts into the engine's groups. */
  #plan(options: GenerateOptions): { groups: GroupRequest[]; sources: { taskId: string; strippedText: string }[]; seed: string } {
    const { samples = 1, maxNewTokens = 256, promptBoundary = 'heal', stopPolicy = 'function', stopStrings = [], batch } = options;
    const seed = checkedSeed(options.seed ?? 0n);
    const { sampling } = resolveStrategy(options.sampling ?? {});
    if (typeof samples === 'number') requireCount('samples', samples, SAMPLES_MOST);
    requireCount('maxNewTokens', maxNewTokens);
    if (batch !== undefined) requireCount('batch', batch);
    requireChoice('promptBoundary', promptBoundary, PROMPT_BOUNDARIES);
    requireChoice('stopPolicy', stopPolicy, STOP_POLICIES);
    if (stopStrings.includes(''))
      throw new FaultlineError('usage', 'a stop string is empty', { hint: 'Leave it out: every text begins with the empty string.' });
    const stops = stopStrings.map((text) => Buffer.from(text, 'utf8'));

    const groups: GroupRequest[] = [];
    const sources: { taskId: string; strippedText: string }[] = [];
    const seen = new Set<string>();
    for (const { taskId, prompt } of sourcesOf(options)) {
      if (seen.has(taskId))
        throw new FaultlineError('usage', `task id ${JSON.stringify(taskId)} is there twice`, {
          hint: 'Equal ids draw equal random numbers: give every problem its own.',
        });
      seen.add(taskId);
      const sampleIndices = typeof samples === 'number' ? Array.from({ length: samples }, (_, index) => index) : samples(taskId);
      if (sampleIndices.length === 0) continue;
      const prepared = preparePrompt(prompt, this.tokenizer, promptBoundary);
      groups.push({
        prompt: prepared.tokens,
        promptBytes: prepared.textBytes,
        heal: prepared.healBytes,
        sampleIndices,
        key: sampleKey(seed, taskId),
        sampling,
        maxNewTokens,
        stopPolicy,
        stopStrings: stops,
      });
      sources.push({ taskId, strippedText: prepared.strippedText });
    }
    return { groups, sources, seed: seed.toString() };
  }
}

function engineOptionsOf({ batch, signal }: GenerateOptions): { batch?: number; signal?: AbortSignal } {
  return { ...(batch === undefined ? {} : { batch }), ...(signal === undefined ? {} : { signal }) };
}

function sourcesOf(options: GenerateOptions): readonly PromptSource[] {
  if ((options.problems === undefined) === (options.prompts === undefined)) {
    throw new FaultlineError('usage', 'generate takes either problems or prompts', { hint: 'Give exactly one of the two.' });
  }
  return options.problems ?? options.prompts!.map((prompt, index) => ({ taskId: `prompt/${index}`, prompt }));
}

function requireCount(name: string, value: number, most = 2 ** 31 - 1): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new FaultlineError('usage', `${name} is ${value}, expected a whole number from 1 to ${most}`, { hint: `Give another ${name}.` });
}

function requireChoice(name: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new FaultlineError('usage', `${name} is ${JSON.stringify(value)}, expected ${choices.join(', ')}`, {
    hint: `Give another ${name}.`,
  });
}

/**
 * The size of the model's vocabulary, from its config or its embedding's shape; null where the engine will have better words
 * for what is wrong with it.
 */
async function vocabularySizeOf(folder: string): Promise<number | null> {
  const usable = (size: unknown) => (typeof size === 'number' && Number.isInteger(size) && size > 0 && size <= 1 << 22 ? size : null);
  try {
    const gguf = ggufFileOf(folder);
    if (gguf !== null) return usable((await readGgufHeader(gguf, () => false)).shapes.get('token_embd.weight')?.[0]);
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as { vocab_size?: unknown } | null;
    return usable(config?.vocab_size);
  } catch {
    return null;
  }
}

/**
 * The tokenizer's vocabulary at the model's size. Models may have more rows than tokens (padding: no bytes); fewer only
 * where the rest are special tokens, which a prompt may not use then. Anything else is the wrong tokenizer.
 */
export function fitVocabulary(
  tokenizer: Pick<Tokenizer, 'vocabulary' | 'vocabularySize'>,
  size: number | null,
  folder: string,
): Vocabulary {
  const { bytes, offsets, eosToken } = tokenizer.vocabulary();
  if (size === null || size === tokenizer.vocabularySize) return { bytes, offsets, eosToken };
  if (size > tokenizer.vocabularySize) {
    const padded = new Uint32Array(size + 1).fill(bytes.length);
    padded.set(offsets);
    return { bytes, offsets: padded, eosToken };
  }
  if (offsets[size] !== bytes.length || eosToken >= size) {
    throw new FaultlineError('input', `the tokenizer has ${tokenizer.vocabularySize} tokens, the model has ${size}`, {
      place: { file: folder },
      hint: 'The tokenizer belongs to another model: copy the right files into the folder.',
    });
  }
  return { bytes, offsets: offsets.slice(0, size + 1), eosToken };
}
