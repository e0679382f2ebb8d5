/** Rows as the rest of the program sees them. Only `store/` knows the SQL behind them. */
import type { Verdict } from '../sandbox/verdict.js';
import type { MEASURE_COLUMNS } from './text-measures.js';

/** Everything that identifies where an experiment's numbers come from. Fixed when the experiment is created. */
export interface ExperimentManifest {
  readonly name: string;
  /** Canonical JSON of the config's entries that decide results (not outputs, threads or memory). */
  readonly config: string;
  /** SHA-256 of `config` and the hashes below: equal manifests resume, others are new experiments. */
  readonly hash: string;
  /** Decimal, as 64-bit seeds do not fit a JavaScript number. */
  readonly seed: string;
  readonly modelHash: string;
  readonly tokenizerHash: string;
  readonly problemsHash: string;
  readonly dtype: string;
  /** `cpu`, `cuda` or, in tests, `emulated`. */
  readonly device: string;
  /** Its product name; the CPU's where that computes. */
  readonly deviceName: string;
  readonly kernelFamily: string;
  /** The CPU's instruction set, or the GPU's architecture. */
  readonly isa: string;
  readonly cpu: string;
  /** Of the sandbox, as are the two below; empty while nothing has been executed, and then the two below mean nothing. */
  readonly pythonVersion: string;
  readonly isolationTier: string;
  /** CPU-limit calibration, reused on resume. */
  readonly calibration: number;
  readonly version: string;
}

export interface Experiment extends ExperimentManifest {
  readonly id: number;
  readonly createdAt: string;
  /** Null while the run is unfinished. */
  readonly finishedAt: string | null;
  /**
   * Canonical JSON of the config's entries about categories that are set, `{}` where none is; null where that was not recorded. Replaced
   * together with the decisions.
   */
  readonly categorySettings: string | null;
}

/** One generated sample, keyed by (experiment, strategy, taskId, sampleIndex). */
export interface SampleRow {
  readonly strategy: string;
  readonly taskId: string;
  readonly sampleIndex: number;
  /** What is executed: the raw text up to the cut point. */
  readonly completion: string;
  /** Everything that was generated. */
  readonly rawText: string;
  /** UTF-16 length of `completion` within `rawText`. */
  readonly cut: number;
  readonly finishReason: string;
  readonly tokens: Int32Array;
  readonly logprobs: Float32Array;
  readonly entropies: Float32Array;
  /** Decimal. */
  readonly seed: string;
  readonly error: string | null;
  /** Its even share of the time by the clock in which its batch was drawn; null, the default, where nobody measured. Not a result. */
  readonly drawSeconds?: number | null;
}

/** The natural key of a sample within an experiment. */
export interface SampleKey {
  readonly strategy: string;
  readonly taskId: string;
  readonly sampleIndex: number;
}

/** A leaf's codes in published taxonomies. */
export type PublishedCodes = Readonly<Record<'dou' | 'tambon' | 'codehalu', readonly string[]>>;

/** A category of an experiment, as its decisions have it in common. */
export interface StoredCategory {
  readonly categoryCode: string;
  readonly categoryName: string;
  readonly published: PublishedCodes | null;
}

/** What was made of a verdict, as results. The words are the taxonomy's. */
export interface DecisionRow {
  /** Null for a pass that is not fragile. */
  readonly categoryCode: string | null;
  readonly categoryName: string | null;
  /** Of the category, one of the config's own has those of the first leaf that it is over; null without a category. */
  readonly published: PublishedCodes | null;
  readonly outcome: string;
  readonly evidence: string;
  readonly generationCode: string | null;
  /** That decided; null without a category. */
  readonly rule: string | null;
  /** Where the program failed: 1-based line and column of prompt + completion, and the span in bytes of the completion. */
  readonly place: {
    readonly line: number;
    readonly column: number | null;
    readonly range: { readonly start: number; readonly end: number } | null;
  } | null;
  /** The tokens that hold the span, both included; null without tokens or span. */
  readonly tokens: { readonly first: number; readonly last: number } | null;
  /** Class name of the innermost statement at the line. */
  readonly node: string | null;
  /** Sorted. */
  readonly tags: readonly string[];
}

/** One execution with its decision. Result columns only; times and memory live in the verdict's measurements. */
export interface ExecutionRow extends SampleKey, DecisionRow {
  readonly verdict: Verdict;
  /** UTC, ISO 8601; default: now. Not a result. */
  readonly executedAt?: string;
}

/** A problem as an experiment uses it. The content is stored once, whatever the number of experiments. */
export interface ProblemRow {
  readonly taskId: string;
  readonly prompt: string;
  readonly entryPoint: string;
  readonly canonicalSolution: string;
  readonly test: string;
  /** 1 (easy) to 4, where the dataset says so. */
  readonly difficulty?: number | null;
  /** A further test of the data set, on which no pass depends. */
  readonly furtherTest?: string | null;
  /** Why no sample of it can be judged. */
  readonly unsupported?: string | null;
  /** Place in the problem file, from 0; the order of every listing. */
  readonly position: number;
}

/** The decision about one execution, apart from the execution: it can be replaced without executing again. */
export type ClassificationRow = Omit<ExecutionRow, 'verdict' | 'executedAt'>;

/** A sample without its per-token arrays, which {@link TokenArrays} holds. */
export interface StoredSample extends Omit<SampleRow, 'tokens' | 'logprobs' | 'entropies'> {
  readonly tokenCount: number;
  /** Mean of the token log-probabilities; null without tokens. */
  readonly meanLogprob: number | null;
}

/** Per-token arrays of one sample, aligned with each other. */
export interface TokenArrays {
  readonly tokens: Int32Array;
  readonly logprobs: Float32Array;
  readonly entropies: Float32Array;
}

/** Where the per-token arrays of a sample lie: rows `offset` to `offset + length - 1` of each tensor of a file. */
export interface TokenPlace extends SampleKey {
  /** Name of a safetensors file in the folder `<database>.shards`. */
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** A sample that has no verdict yet, or one whose last verdict was `infra`. */
export interface PendingExecution extends SampleKey {
  readonly completion: string;
  /** Everything that was generated; begins with the completion. */
  readonly rawText: string;
  /** `error` means that there is nothing to execute: such a sample gets a verdict of status `not_run`. */
  readonly finishReason: string;
  readonly error: string | null;
  readonly prompt: string;
  readonly entryPoint: string;
  readonly test: string;
  readonly canonicalSolution: string;
  readonly furtherTest: string | null;
  readonly unsupported: string | null;
  /** Grows in the order in which samples were stored; a reader goes on after the last one that it saw. */
  readonly place: number;
}

/** The measures of one sample's text, by column; null where one has no value. Units are the measures' own. */
export type StoredMeasures = Readonly<Record<(typeof MEASURE_COLUMNS)[number], number | null>>;

/** A sample's measures, to be stored. */
export interface MeasuresRow extends SampleKey {
  readonly measures: StoredMeasures;
}

/** A sample whose text has not been measured by all measures of today, with all that measuring needs. */
export interface UnmeasuredSample extends SampleKey {
  readonly completion: string;
  readonly canonicalSolution: string;
  readonly tokens: TokenArrays;
  /** As of {@link PendingExecution}. */
  readonly place: number;
}

/** A judged sample with what its text is like. */
export interface MeasuredSample extends SampleKey, Pick<DecisionRow, 'outcome' | 'categoryCode' | 'categoryName'> {
  readonly completion: string;
  /** Null where nobody has measured it. */
  readonly measures: StoredMeasures | null;
}

/** A judged sample with its per-token arrays, which are empty where none are stored. */
export interface TokenSample extends SampleKey, Pick<DecisionRow, 'outcome' | 'categoryCode' | 'categoryName'> {
  readonly tokens: TokenArrays;
}

/** Which assertions of a problem's test the prompt shows. */
export interface AssertionMarks {
  readonly taskId: string;
  /** That the prompt shows; null where nothing could be tried, as is `total`. */
  readonly examples: number | null;
  /** Assertions of the test. */
  readonly total: number | null;
  /** The places of the visible ones, from 0, ascending. All others are hidden. */
  readonly visible: readonly number[];
  /** Why nothing is known; null where it is. */
  readonly missing: string | null;
}

/** Which samples to read; an absent field does not restrict. */
export interface SampleFilter {
  readonly strategy?: string;
  readonly taskId?: string;
  readonly sampleIndex?: number;
  readonly outcome?: string;
  readonly categoryCode?: string;
}

/** How far an experiment is, and what it found. */
export interface Counts {
  readonly problems: number;
  readonly samples: number;
  /** Samples with a verdict other than `infra`: those that need no execution any more. */
  readonly executed: number;
  readonly passed: number;
  readonly infra: number;
  /** Of `executed`, those of problems that cannot be judged. In no rate, as `infra`. */
  readonly unsupported: number;
  readonly nearLimit: number;
  /** By outcome name, `infra` included, under which unsupported samples stand too; outcomes that do not occur are absent. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Most frequent first. */
  readonly categories: readonly { readonly code: string; readonly name: string; readonly count: number }[];
}

/** A line of an experiment's run log. */
export interface Note {
  readonly at: string;
  readonly stage: string;
  readonly text: string;
}

/** What a machine does for an experiment. */
export type MachineWork = 'draw' | 'execute';

/**
 * The machine that samples were drawn or programs executed on: of cores (logical ones) and memory what the process may use. Not a result.
 * No cores, no memory and an empty system: stands for machines of an older version, which recorded none.
 */
export interface Machine {
  /** Its model; empty where the system does not tell. */
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Operating system, its release and the architecture. */
  readonly system: string;
}

/** A view that users may ask: see `migrations/`, from 007 on. */
export interface View {
  readonly name: string;
  readonly columns: readonly string[];
  /** Why SQLite cannot read it, as where a user's own names a table that is gone; null where it can. */
  readonly broken: string | null;
}

/**
 * What a question of a user's own gets. 64-bit numbers that would lose digits come as decimal text, infinite ones as `Infinity` and
 * `-Infinity` (JSON has no number for them), bytes as `x'0a'`.
 */
export type Cell = string | number | null;
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** There are more rows. */
  readonly isCut: boolean;
}

/** A sample joined with its problem and execution: what reports read. */
export interface JudgedSample extends SampleKey, DecisionRow {
  readonly prompt: string;
  readonly entryPoint: string;
  readonly difficulty: number | null;
  readonly completion: string;
  readonly rawText: string;
  readonly finishReason: string;
  readonly tokenCount: number;
  readonly meanLogprob: number | null;
  /** See {@link SampleRow}. */
  readonly drawSeconds?: number | null;
  readonly verdict: Verdict;
  /** UTC, ISO 8601. Not a result. */
  readonly executedAt?: string;
}
