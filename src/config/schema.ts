/**
 * Every config entry there is: one row each. The row feeds the loader, the flags, the environment variables, the
 * documentation and the experiment's hash, so an entry is added here and nowhere else. Holds no loading.
 */
import { categoryRules } from './category-rules.js';
import { shard } from './shard.js';
import {
  boolean,
  bytes,
  choice,
  codes,
  integer,
  list,
  number,
  optional,
  path,
  pathOrName,
  seed64,
  text,
  textMap,
  type ValueType,
} from './value-types.js';

/** Engine threads, at most: the engine sets up for all of them before the system can refuse one. */
export const THREADS_MOST = 1024;

/** Samples at a time that can be asked for, at most. */
export const BATCH_MOST = 65_536;

/** Samples of a problem, at most: each has an index of its own from the beginning. */
export const SAMPLES_MOST = 1_000_000;

/** Of `limits.memory`: a warm interpreter alone takes this much. */
export const LEAST_EXECUTION_BYTES = 64 * 2 ** 20;

/** One config entry. */
export interface Entry<T> {
  readonly type: ValueType<T>;
  readonly default: T;
  /** One line for `--help` and the reference. */
  readonly doc: string;
  /**
   * Whether a change gives other results. Those that do are hashed into the experiment: a run with other values is
   * another experiment, a run with other threads resumes. Files (model, problems) are hashed by content instead.
   */
  readonly decidesResults: boolean;
}

function entry<T>(type: ValueType<T>, value: T, decidesResults: boolean, doc: string): Entry<T> {
  return { type, default: value, doc, decidesResults };
}

const results = true;
const noResults = false;
const MiB = 2 ** 20;

/** The table. Keys are dotted paths into the YAML file; `limits.cpu_seconds` is `cpu_seconds` in the section `limits`. */
export const ENTRIES = {
  experiment: entry(
    optional(text('a name of letters, digits, ".", "_" and "-"', /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/), 'the names of model and problems'),
    null,
    results,
    'Name of the experiment, and of its folder below outputs.directory; a newer one of the same name has that folder from then on.',
  ),
  seed: entry(seed64(), 1n, results, 'Seed of every random number (64 bits).'),
  samples: entry(integer(1, SAMPLES_MOST), 20, results, 'Samples per problem.'),
  shard: entry(
    optional(shard(), 'the whole, or what the database was begun with'),
    null,
    noResults,
    'Part of the work to do: shard i of n, such as 0/2, has every n-th problem from number i on.',
  ),

  'model.path': entry(
    pathOrName('the folder or .gguf file of a model, or its Hugging Face name'),
    'pico-gpt2-py',
    noResults,
    'Model: a Hugging Face folder, a `.gguf` file, the bundled `pico-gpt2-py`, or a name fetched by `faultline model fetch`.',
  ),
  'model.dtype': entry(
    choice('float32', 'bfloat16', 'int8'),
    'float32',
    results,
    'Number format of weights and arithmetic; `int8` on CPUs only. `faultline precision` measures what the narrow ones cost.',
  ),
  'model.device': entry(
    choice('cpu', 'cuda', 'auto'),
    'auto',
    noResults,
    'Where the model runs: `cpu`, `cuda` (an error where that cannot be used), or `auto`: CUDA where it can be used, else the CPU.',
  ),
  'model.memory': entry(
    optional(bytes(16 * MiB), 'half of what is free; on CUDA nine tenths'),
    null,
    noResults,
    "Budget for keys, values and activations, of the device's memory, such as 8GiB. Default: half of what is free, on CUDA nine tenths.",
  ),
  'model.threads': entry(optional(integer(1, THREADS_MOST), 'what the machine allows'), null, noResults, 'Engine threads.'),
  'model.batch': entry(
    optional(integer(1, BATCH_MOST), '128, on CUDA 12 for each multiprocessor'),
    null,
    noResults,
    'Most samples generated at once; one that does not fit the memory budget is an error. Default: 128, on CUDA 12 for each multiprocessor (1600 on an H200), or fewer where fewer fit.',
  ),

  'problems.path': entry(
    pathOrName('a problem file (.jsonl or .jsonl.gz), or the name of a data set'),
    'pico-tasks',
    noResults,
    "Problems: a file in HumanEval's format, the bundled `pico-tasks`, or a name fetched by `faultline data fetch`.",
  ),
  'problems.count': entry(optional(integer(1), 'all of them'), null, results, 'Use the first so many problems.'),
  'problems.template': entry(
    choice('signature', 'docstring'),
    'signature',
    results,
    'How MBPP tasks become prompts; no effect on other data.',
  ),

  'strategy.name': entry(
    choice('sample', 'greedy'),
    'sample',
    results,
    'Whether to `sample` as the parameters below say, or to take the likeliest token (`greedy`).',
  ),
  'strategy.temperature': entry(number(0, 100), 0.8, results, 'Divides the logits; 0 means greedy.'),
  'strategy.top_k': entry(integer(0), 0, results, 'Keep the k most likely tokens; 0 switches it off.'),
  'strategy.top_p': entry(
    number(0, 1, { above: true }),
    0.95,
    results,
    'Keep the likeliest tokens that hold this probability; 1 switches it off.',
  ),
  'strategy.min_p': entry(
    number(0, 1),
    0,
    results,
    'Keep the tokens at least so many times as likely as the likeliest; 0 switches it off. On the CPU only.',
  ),
  'strategy.typical': entry(
    number(0, 1, { above: true }),
    1,
    results,
    'Keep the tokens whose surprise is nearest the entropy and that hold this probability; 1 switches it off. On the CPU only.',
  ),
  'strategy.eta': entry(
    number(0, 1, { below: true }),
    0,
    results,
    'Keep the tokens of probability min(eta, sqrt(eta) exp(-entropy)) or more; 0 switches it off. On the CPU only.',
  ),

  max_new_tokens: entry(integer(1, 1_000_000), 160, results, 'Longest completion, in tokens.'),
  prompt_boundary: entry(choice('heal', 'none', 'strip'), 'heal', results, 'How a prompt that ends inside a token is handled.'),
  stop_policy: entry(
    choice('function', 'eos', 'none'),
    'function',
    results,
    'Where a completion ends, beside max_new_tokens and stop_strings.',
  ),
  stop_strings: entry(list(), [], results, 'Texts that end a completion, and are not part of it.'),

  'limits.cpu_seconds': entry(
    number(0, 3600, { above: true }),
    1,
    results,
    'CPU time of one execution; one that meets it runs again alone with three times as much.',
  ),
  'limits.wall_seconds': entry(number(0, 36000, { above: true }), 3, results, 'Wall-clock backstop of one execution.'),
  'limits.memory': entry(bytes(LEAST_EXECUTION_BYTES), 1024 * MiB, results, 'Memory of one execution.'),
  'limits.output': entry(bytes(1024), MiB, results, 'Bytes one execution may print.'),
  'limits.file_size': entry(bytes(0), 16 * MiB, results, 'Largest file one execution may write.'),
  'limits.processes': entry(integer(1, 1024), 16, results, 'Processes of one execution, itself included.'),

  'sandbox.python': entry(
    optional(pathOrName('the path or command name of a Python interpreter'), 'python3 on PATH'),
    null,
    noResults,
    'Interpreter that runs the programs.',
  ),
  'sandbox.workers': entry(optional(integer(1, 1024), 'one per core'), null, noResults, 'Executions at a time.'),
  'sandbox.tier': entry(
    optional(choice('namespaces', 'landlock'), 'the best that the machine allows'),
    null,
    noResults,
    'Isolation to use, and no other. Recorded with every result.',
  ),
  'sandbox.unsafe': entry(boolean(), false, noResults, 'Run programs without isolation. Recorded with every result.'),

  'sandbox.fragile': entry(
    boolean(),
    true,
    results,
    'Whether a program that passes runs again: under two further hash seeds unless they cannot show in it, on the further test where the data set has one, and beside the reference solution where it is slow.',
  ),

  'categories.rename': entry(textMap('a section of category code or name: new name'), {}, noResults, 'Other names for categories.'),
  'categories.merge': entry(
    textMap('a section of category code or name: the one it is counted as'),
    {},
    noResults,
    'Count one category as another.',
  ),
  'categories.off': entry(codes(), [], noResults, "Categories that are not told apart: counted as their family's residual leaf."),
  'categories.rules': entry(
    categoryRules(),
    [],
    noResults,
    'Categories of your own: what a sample of other categories must look like to be counted there.',
  ),

  'outputs.directory': entry(path('a folder'), 'outputs', noResults, 'Folder of the database and the reports.'),
  'outputs.database': entry(
    optional(path('a file'), '<outputs.directory>/faultline.db'),
    null,
    noResults,
    'The SQLite file with every result.',
  ),

  'tracking.use_wandb': entry(
    boolean(),
    false,
    noResults,
    'Tell Weights & Biases of a run, beside events.jsonl; needs `npm install @wandb/sdk`.',
  ),
  'tracking.wandb_project': entry(
    text('a name of letters, digits, ".", "_" and "-"', /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
    'faultline',
    noResults,
    'Project there.',
  ),
} as const satisfies Record<string, Entry<unknown>>;

export type ConfigKey = keyof typeof ENTRIES;

/** Every entry's value, by dotted key. */
export type ConfigValues = { readonly [K in ConfigKey]: (typeof ENTRIES)[K] extends Entry<infer T> ? T : never };

/** The keys in the table's order. */
export const KEYS = Object.keys(ENTRIES) as readonly ConfigKey[];

export function isConfigKey(key: string): key is ConfigKey {
  return Object.hasOwn(ENTRIES, key);
}

/** The environment variable of an entry: `model.threads` is `FAULTLINE_MODEL_THREADS`. */
export function environmentName(key: ConfigKey): string {
  return `FAULTLINE_${key.replaceAll('.', '_').toUpperCase()}`;
}

/** Whether strategies of one config may differ in an entry: what stands below `strategy:`, and how many samples are drawn. */
export function isStrategyKey(key: ConfigKey): boolean {
  return key.startsWith('strategy.') || key === 'samples';
}
