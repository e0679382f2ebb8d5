/**
 * What a report says, as data: every number on the page, in the tables and on the terminal comes from one
 * {@link ReportData}. Made by `summary.ts`, read by everything in `render/`. Holds no formatting.
 *
 * Words: a sample *counts* unless its outcome is `infra`; a counted sample *passes* (outcome `pass`) or is a *failure*.
 */
import type { Assertion, FailingNode } from '../sandbox/verdict.js';
import type { Experiment } from '../store/types.js';
import type { CountedOutcome } from './outcomes.js';
import type { Estimate } from './statistics/bootstrap.js';

export interface ReportData {
  readonly experiment: ExperimentFacts;
  /** The one strategy reported on; null when there are no samples. */
  readonly strategy: string | null;
  readonly counts: Counts;
  /** What is missing of the whole experiment; null where nothing is, or where nobody said what the whole is. */
  readonly partial: PartialExtent | null;
  /** pass@k for k = 1, 10 and the samples per problem, as far as there are enough samples. */
  readonly passAtK: readonly PassAtK[];
  /** Values of k that were asked for and left out. */
  readonly omittedK: readonly OmittedK[];
  /** pass@k over a grid of k up to the samples per problem, for the curve. */
  readonly passCurve: readonly PassAtK[];
  /** Outcomes load and crash over all counted samples. */
  readonly crashRate: Estimate;
  /** All outcomes that count, in the order of `outcomes.ts`, those that never occurred included. */
  readonly outcomes: readonly OutcomeShare[];
  /** Categories that occurred among the failures, by code. */
  readonly categories: readonly CategoryShare[];
  readonly feasibility: Feasibility;
  /** In the order of the problem file. */
  readonly problems: readonly ProblemRow[];
  /** Over counted samples, most frequent first. */
  readonly finishReasons: readonly { readonly reason: string; readonly count: number; readonly share: number }[];
  /** At most five; see `worst.ts` for how they are chosen. */
  readonly worst: readonly WorstSample[];
  readonly intervals: { readonly confidence: number; readonly resamples: number; readonly seed: string };
}

/** The experiment's row, without its database id, with its config as flat entries. */
export interface ExperimentFacts extends Omit<Experiment, 'id' | 'config'> {
  /** Dotted path and value of each entry of the config, in the config's order. */
  readonly config: readonly { readonly key: string; readonly value: string }[];
}

export interface Counts {
  readonly problems: number;
  /** Every sample that was judged, `infra` included. */
  readonly samples: number;
  /** Samples that count: all but `infra`. */
  readonly counted: number;
  readonly passed: number;
  readonly failed: number;
  /** Samples that were not judged: the infrastructure failed, or their problem is at fault. In no rate. */
  readonly infra: number;
  /** Of `infra`, those of problems that cannot be judged: running again changes nothing. */
  readonly unsupported: number;
  /** Problems with at least one passing sample. */
  readonly solvedProblems: number;
  /** Samples that met a time limit and finished at three times the limits, see `Measurements.nearLimit`. */
  readonly nearLimit: number;
  /** Passing samples that carry a category of their own (fragile passes). */
  readonly fragilePasses: number;
  /** Counted samples of the problem that has fewest and of the one that has most. */
  readonly samplesPerProblem: { readonly least: number; readonly most: number };
  readonly tokens: number;
}

/** A report that covers a part of its experiment. */
export interface PartialExtent {
  /** Samples of the whole experiment, of which `counts.samples` are here. */
  readonly samples: number;
  /** Problems of the whole experiment. */
  readonly problems: number;
  /** The shards of the work that the database holds, such as `0/2`; empty where it is to hold the whole. */
  readonly shards: readonly string[];
}

export interface PassAtK {
  readonly k: number;
  readonly estimate: Estimate;
  /** Problems with at least k counted samples; the others have no pass@k. */
  readonly problems: number;
}

export interface OmittedK {
  readonly k: number;
  /** The most counted samples that any problem has. */
  readonly most: number;
}

export interface OutcomeShare {
  readonly outcome: CountedOutcome;
  readonly count: number;
  /** Of all counted samples. */
  readonly share: Estimate;
}

export interface CategoryShare {
  /** Such as `4.1`; null for failures without a category, which a classifier should never leave. */
  readonly code: string | null;
  readonly name: string;
  readonly outcome: CountedOutcome;
  readonly rule: string;
  readonly residual: boolean;
  readonly count: number;
  /** Problems in which it occurred. */
  readonly problems: number;
  /** Of all failures. */
  readonly share: Estimate;
}

/** Whether the taxonomy says enough for the research to go on. */
export interface Feasibility {
  /** Share of failures outside residual leaves (and with a category). */
  readonly outsideResidual: Estimate;
  /** The same, with only the `other` leaves of errors (2.5, 3.10, 4.10) taken as residual. */
  readonly outsideOther: Estimate;
  readonly threshold: number;
  /** `proceed` if the lower end of `outsideResidual` exceeds the threshold; `undecided` without failures. */
  readonly decision: 'proceed' | 'stop' | 'undecided';
}

export interface ProblemRow {
  readonly taskId: string;
  readonly difficulty: number | null;
  /** Counted samples. */
  readonly samples: number;
  readonly infra: number;
  readonly passes: number;
  /** null without a counted sample. */
  readonly passAt1: number | null;
  /** Counted samples by outcome; outcomes that did not occur are absent. */
  readonly outcomes: Readonly<Partial<Record<CountedOutcome, number>>>;
  /** Most frequent category among the failures (smaller code on a tie); null without failures. */
  readonly topCategory: { readonly code: string | null; readonly name: string; readonly count: number } | null;
  /** Generated tokens per counted sample; null without one. */
  readonly meanTokens: number | null;
}

/** A failing sample in full. Every text in it is hostile input: the model wrote it, or the candidate process did. */
export interface WorstSample {
  readonly taskId: string;
  readonly sampleIndex: number;
  readonly entryPoint: string;
  readonly categoryCode: string | null;
  readonly categoryName: string;
  readonly outcome: CountedOutcome;
  /** How often the category occurred. */
  readonly categoryCount: number;
  readonly evidence: string;
  readonly finishReason: string;
  readonly tokenCount: number;
  readonly meanLogprob: number | null;
  readonly prompt: string;
  readonly completion: string;
  readonly failure: FailureDescription;
}

/** One failing verdict in words, with the place it points at. */
export interface FailureDescription {
  /** Such as `NameError: name 'x' is not defined`, or `stopped by the CPU limit`. */
  readonly headline: string;
  /** Line in prompt + completion, from 1; null when the failure has no line. */
  readonly line: number | null;
  /** From 1; syntax errors only. */
  readonly column: number | null;
  readonly node: FailingNode | null;
  /** The assertion that decided, where one did. */
  readonly assertion: Assertion | null;
}
