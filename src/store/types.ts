/** Rows as the rest of the program sees them. Only `store/` knows the SQL behind them. */
import type { Verdict } from '../sandbox/verdict.js';

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
  readonly kernelFamily: string;
  readonly isa: string;
  readonly cpu: string;
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
}

/** One execution with its decision. Result columns only; times and memory live in the verdict's measurements. */
export interface ExecutionRow {
  readonly strategy: string;
  readonly taskId: string;
  readonly sampleIndex: number;
  readonly verdict: Verdict;
  /** Null for a pass. */
  readonly categoryCode: string | null;
  readonly categoryName: string | null;
  readonly outcome: string;
  readonly evidence: string;
  readonly generationCode: string | null;
}

/** A sample joined with its problem and execution: what reports read. */
export interface JudgedSample {
  readonly strategy: string;
  readonly taskId: string;
  readonly sampleIndex: number;
  readonly prompt: string;
  readonly entryPoint: string;
  readonly difficulty: number | null;
  readonly completion: string;
  readonly finishReason: string;
  readonly tokenCount: number;
  readonly meanLogprob: number | null;
  readonly verdict: Verdict;
  readonly categoryCode: string | null;
  readonly categoryName: string | null;
  readonly outcome: string;
  readonly evidence: string;
}
