/**
 * What a report says, as data: every number on the page, in the tables and on the terminal comes from one
 * {@link ReportData}. Made by `summary.ts`, read by everything in `render/`. Holds no formatting.
 *
 * Words: a sample *counts* unless its outcome is `infra`; a counted sample *passes* (outcome `pass`) or is a *failure*.
 */
import type { Assertion, FailingNode, Outcome } from '../sandbox/verdict.js';
import type { Experiment, Machine, MachineWork } from '../store/types.js';
import type { Measure, MeasureKey } from '../text-metrics/measures.js';
import type { CoOccurrence } from './analysis/co-occurrence.js';
import type { Distribution } from './analysis/distribution.js';
import type { FailurePosition } from './analysis/failure-position.js';
import type { FirstDivergence } from './analysis/first-divergence.js';
import type { HiddenAssertions } from './analysis/hidden-assertions.js';
import type { ProgramShares } from './analysis/programs.js';
import type { Costs } from './costs.js';
import type { CountedOutcome } from './outcomes.js';
import type { Estimate } from './statistics/bootstrap.js';

export interface ReportData {
  readonly experiment: ExperimentFacts;
  /** The one strategy reported on; null when there are no samples. */
  readonly strategy: string | null;
  readonly counts: Counts;
  readonly costs: Costs;
  /** What is missing of the whole experiment; null where nothing is, or where nobody said what the whole is. */
  readonly partial: PartialExtent | null;
  /** Lines of the run log about parts that were made on another machine or by another version than the experiment's row tells of. */
  readonly otherMachines: readonly string[];
  /** That drew the samples and that executed the programs, in the order in which they took part; none where an older version did not record them. */
  readonly machines: Readonly<Record<MachineWork, readonly Machine[]>>;
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
  /** The samples that the page's browser holds; see `browse.ts`. In no other file: `samples.jsonl` has all. */
  readonly browsed: BrowsedSamples;
  /** What a view of the texts alone would have said; null where no counted sample's text was measured. */
  readonly textView: TextView | null;
  /** What goes further than the counts; null where nobody made it: a summary alone does not. */
  readonly analyses: Analyses | null;
  readonly intervals: Intervals;
  /** What made the report, which need not be what made the experiment; null where nobody said. */
  readonly software: { readonly faultline: string; readonly node: string } | null;
  /** Where there is too little for a claim; see `warnings.ts`. */
  readonly warnings: readonly ReportWarning[];
}

/** Of the same samples as the report; each part is a file in `analysis/`. */
export interface Analyses {
  readonly hiddenAssertions: HiddenAssertions;
  readonly programs: ProgramShares;
  /** In the order of the table of dimensions. */
  readonly distributions: readonly Distribution[];
  readonly coOccurrence: CoOccurrence;
  readonly failurePosition: FailurePosition;
  readonly firstDivergence: FirstDivergence;
  /** Resamples for the intervals of the last two: fewer than elsewhere. */
  readonly positionResamples: number;
}

/** The parts of a report that make claims; those of the analyses have their fields' names, and `dependence` is the distributions. */
export type ClaimPlace =
  | 'overview'
  | 'outcomes'
  | 'categories'
  | 'feasibility'
  | 'pass_at_k'
  | 'text_view'
  | 'programs'
  | 'dependence'
  | 'co_occurrence'
  | 'failure_position'
  | 'first_divergence';

export interface ReportWarning {
  /** The rule's name. */
  readonly rule: string;
  /** Where it is shown. */
  readonly at: ClaimPlace;
  /** What is the case, in a sentence or two. May hold a category's code, which a config chose. */
  readonly text: string;
  readonly reason: string;
  readonly source: string;
}

/** How intervals by bootstrap were made. */
export interface Intervals {
  readonly confidence: number;
  readonly resamples: number;
  /** Decimal. */
  readonly seed: string;
}

/** An entry of a config: dotted path and value. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: string;
}

/** The experiment's row, without its database id, with its config as flat entries. */
export interface ExperimentFacts extends Omit<Experiment, 'id' | 'config' | 'categorySettings'> {
  /** In the config's order. */
  readonly config: readonly ConfigEntry[];
  /** How categories are counted: the entries about them that are set. Null where that was not recorded. */
  readonly categorySettings: readonly ConfigEntry[] | null;
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
  /** Of the category as it is counted; a config may have counted others as it. */
  readonly residual: boolean;
  readonly count: number;
  /** Problems in which it occurred. */
  readonly problems: number;
  /** Of all failures. */
  readonly share: Estimate;
}

/** Whether the taxonomy says enough for the research to go on: by the tree's own leaves, whatever a config counts them as. */
export interface Feasibility {
  /** Share of failures outside residual leaves (and with a category). */
  readonly outsideResidual: Estimate;
  /** The same, with only the `other` leaves of errors (2.5, 3.10, 4.10) taken as residual. */
  readonly outsideOther: Estimate;
  readonly threshold: number;
  /** `proceed` if the lower end of `outsideResidual` exceeds the threshold. */
  readonly decision: 'proceed' | 'stop' | 'undecided';
  /** Why it is undecided: there is no failure, or the shares are those of a part of the experiment; null where it is decided. */
  readonly undecided: 'no_failures' | 'partial' | null;
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
  /** Of the counted samples. */
  readonly costs: Costs;
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

/** What the page's browser holds. */
export interface BrowsedSamples {
  readonly counted: number;
  /** Of each group at most so many were chosen; null where all are here. */
  readonly perGroup: number | null;
  readonly groups: readonly BrowsedGroup[];
  /** In their natural order. */
  readonly samples: readonly BrowsedSample[];
}

/** All counted samples of one category, or those that passed without one (`code` null). */
export interface BrowsedGroup {
  readonly code: string | null;
  readonly name: string | null;
  readonly outcome: CountedOutcome;
  readonly counted: number;
}

/** A sample in the browser. Every text in it is hostile input, as in {@link WorstSample}. */
export interface BrowsedSample {
  /** Its place in its group, from 0: where fewer of each group are to be shown, those with the smallest. */
  readonly rank: number;
  readonly taskId: string;
  readonly sampleIndex: number;
  readonly outcome: CountedOutcome;
  readonly status: Outcome['status'];
  readonly categoryCode: string | null;
  readonly categoryName: string | null;
  readonly rule: string | null;
  readonly evidence: string;
  readonly tags: readonly string[];
  readonly finishReason: string;
  readonly tokenCount: number;
  readonly meanLogprob: number | null;
  readonly nearLimit: boolean;
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

/** How the view of the texts compares with that of the executions; see `text-view.ts`. */
export interface TextView {
  /** Counted samples that were measured, which everything but `programs` is about, and their problems. */
  readonly samples: number;
  readonly problems: number;
  /** Counted samples that were not. */
  readonly unmeasured: number;
  /** The size from which a class is looked at. */
  readonly least: { readonly samples: number; readonly problems: number };
  /** Of the areas, and of the shares in `programs`: fewer resamples than elsewhere. */
  readonly intervals: Intervals;
  /** Pass, crash, and each category of failures that is large enough, against the rest and against passes. */
  readonly targets: readonly TextTarget[];
  /** How many areas are tested against 0.5, and from which p-value on nothing is shown: measures times categories that are large enough. */
  readonly tests: { readonly areas: number; readonly level: number };
  /** Every category of failures, by code: whether the text tells it from passes of the same problems. */
  readonly categories: readonly CategoryTold[];
  /** At most ten distinct programs that failed, by edit similarity to the canonical solution, the most similar first. */
  readonly similarFailures: readonly Disagreement[];
  /** At most ten that passed, the least similar first. */
  readonly dissimilarPasses: readonly Disagreement[];
  readonly programs: ProgramCounts;
}

/** A class of samples, and how well each measure tells it. */
export interface TextTarget {
  /** `crash`: outcomes load and crash. */
  readonly kind: 'pass' | 'crash' | 'category';
  /** Of the category; null for the others, and for failures without one. */
  readonly code: string | null;
  readonly name: string;
  /** What it is told from: all other samples, or those that passed. */
  readonly against: 'rest' | 'pass';
  /** Of the class. */
  readonly samples: number;
  readonly problems: number;
  /** Of all measures, in the order of their table. */
  readonly measures: readonly TextArea[];
}

/** The area under the ROC curve of one measure's raw value: below 0.5, the class has the smaller values. */
export interface TextArea {
  readonly measure: MeasureKey;
  /** Which way is better by the textbook: not which way the area was turned, as it never is. */
  readonly better: Measure['better'];
  /** Samples of the class, and of what it is told from, that have a value. */
  readonly positives: number;
  readonly negatives: number;
  /** Over all pairs, of which most are of two problems; without an interval against passes, where pairs of one problem are what is asked. */
  readonly pooled: Estimate;
  /** The mean over problems that have both, of pairs of one problem. */
  readonly within: Estimate;
  /**
   * Of a category against passes: how likely chance alone takes any of all such areas within problems ({@link TextView.tests}) as far from 0.5 as
   * this one; null elsewhere, and where `within` is.
   */
  readonly adjustedP: number | null;
  readonly mixedProblems: number;
  /** Why `pooled` and `within`, or `within` alone, are null; null where neither is. */
  readonly missing: string | null;
}

/** Whether a category's texts were told from those of passes, within problems, by any measure of them. */
export interface CategoryTold {
  readonly code: string | null;
  readonly name: string;
  readonly samples: number;
  readonly problems: number;
  /** Problems that have it and passes; null where it is too small to be looked at. */
  readonly mixedProblems: number | null;
  /** `not_shown`: no measure has an adjusted p-value at the level or below, which does not show that texts are alike. */
  readonly told: 'yes' | 'not_shown' | 'unknown';
  /** The measures that have. */
  readonly by: readonly MeasureKey[];
  /** Why it is unknown; null where it is not. */
  readonly missing: string | null;
}

/** A program about which the two views disagree. */
export interface Disagreement {
  readonly taskId: string;
  /** Of the first sample that has this program. */
  readonly sampleIndex: number;
  readonly outcome: CountedOutcome;
  readonly categoryCode: string | null;
  readonly categoryName: string | null;
  /** Edit similarity to the canonical solution, from 0 to 1. */
  readonly similarity: number;
  /** How many samples have this program. */
  readonly samples: number;
}

/** Samples and distinct programs: equal completions of one problem are one program. Over all counted samples. */
export interface ProgramCounts {
  readonly samples: number;
  readonly programs: number;
  /** By outcome. A program with two outcomes, as one sample of it met a limit and another did not, counts in both. */
  readonly outcomes: readonly {
    readonly outcome: CountedOutcome;
    readonly samples: number;
    readonly programs: number;
    /** Of all distinct programs. */
    readonly share: Estimate;
  }[];
}
