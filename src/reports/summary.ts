/**
 * From judged samples to everything a report says. Pure: reads what it is given once, in order, and touches no file, clock or
 * database. Memory grows with problems x categories; for the text view alone with samples.
 */
import { FaultlineError } from '../errors.js';
import type { Experiment, JudgedSample, MeasuredSample } from '../store/types.js';
import { isResidual } from '../taxonomy/residual.js';
import type { Category } from '../taxonomy/types.js';
import { SampleSelection } from './browse.js';
import { compareCodes } from './category-order.js';
import { ProblemCosts, type Costs } from './costs.js';
import { CRASHES, OUTCOME_ORDER, outcomeOf, type CountedOutcome } from './outcomes.js';
import { passEstimates } from './pass-estimates.js';
import type {
  CategoryShare,
  ConfigEntry,
  Counts,
  ExperimentFacts,
  Feasibility,
  OmittedK,
  OutcomeShare,
  PartialExtent,
  PassAtK,
  ProblemRow,
  ReportData,
} from './report-data.js';
import { Bootstrap, type Estimate } from './statistics/bootstrap.js';
import { finish, type Steps } from './steps.js';
import { textViewSteps } from './text-view.js';
import { warningsOf, type Claims } from './warnings.js';
import { WorstSamples } from './worst.js';

export interface SummaryOptions {
  /** The taxonomy's leaves: rule and residual flag of each code. Codes that are not listed are taken as not residual. */
  readonly categories: readonly Category[];
  /** What the whole experiment is, so that a part of it can be told; see {@link ReportData.partial}. */
  readonly whole?: PartialExtent;
  /** See {@link ReportData.otherMachines}; default: none. */
  readonly otherMachines?: readonly string[];
  /** See {@link ReportData.machines}; default: none. */
  readonly machines?: ReportData['machines'];
  /** The same samples with what their texts are like; without them there is no {@link ReportData.textView}. Read after the samples. */
  readonly texts?: Iterable<MeasuredSample>;
  /** See {@link ReportData.software}. */
  readonly software?: NonNullable<ReportData['software']>;
  /** Seed of the bootstrap, default 0: intervals are a function of the samples. */
  readonly bootstrapSeed?: bigint;
  /** Default 9,999, and 999 for the text view. */
  readonly resamples?: number;
}

/** The decision of the feasibility question: at least this share of failures must fall outside residual leaves. */
const FEASIBILITY_THRESHOLD = 0.7;
const WORST_PLACES = 5;

/**
 * Summarises one experiment under one strategy.
 * @param samples each (task, sample index) at most once, in the order of the problem file and by sample index
 * @throws FaultlineError kind `usage` for samples of several strategies (their rates must not be mixed), kind `input` for an
 *   outcome that this version does not know
 */
export function summarise(experiment: Experiment, samples: Iterable<JudgedSample>, options: SummaryOptions): ReportData {
  return finish(summarySteps(experiment, samples, options));
}

/** The same in steps: one a sample, and then one a part. */
export function* summarySteps(experiment: Experiment, samples: Iterable<JudgedSample>, options: SummaryOptions): Steps<ReportData> {
  const seed = options.bootstrapSeed ?? 0n;
  const leaves = new Map(options.categories.map((category) => [category.code, category]));
  const tally = new Tally(leaves);
  for (const sample of samples) {
    tally.add(sample);
    yield;
  }

  const problems = [...tally.problems.values()];
  const resampling = { seed, ...(options.resamples === undefined ? {} : { resamples: options.resamples }) };
  const bootstrap = new Bootstrap(problems.length, resampling);
  const counted = problems.map((problem) => problem.counted);
  const failures = problems.map((problem) => problem.failed);
  const ofCounted = (count: (problem: ProblemTally) => number): Estimate => bootstrap.ratio(problems.map(count), counted);
  const ofFailures = (count: (problem: ProblemTally) => number): Estimate => bootstrap.ratio(problems.map(count), failures);

  const categories = categoryShares(tally, leaves, ofFailures);
  yield;
  const passAt = passEstimates(problems, bootstrap);
  const most = Math.max(0, ...counted);
  const asked = [...new Set([1, 10, most])].filter((k) => k > 0).sort((a, b) => a - b);
  const passAtK: PassAtK[] = [];
  for (const k of asked.filter((each) => each <= most)) {
    passAtK.push(passAt(k));
    yield;
  }
  const passCurve: PassAtK[] = [];
  for (const k of curveGrid(most)) {
    passCurve.push(passAt(k));
    yield;
  }
  const view = options.texts === undefined ? null : yield* textViewSteps(options.texts, resampling);
  const partial = options.whole !== undefined && tally.samples < options.whole.samples ? options.whole : null;
  const feasibility = feasibilityOf(ofFailures);
  const costs = tally.costs.costs([...tally.problems.keys()]);
  const claims: Claims = {
    experiment: factsOf(experiment),
    strategy: tally.strategy,
    counts: countsOf(problems, tally, costs),
    costs,
    partial,
    otherMachines: options.otherMachines ?? [],
    machines: options.machines ?? { draw: [], execute: [] },
    passAtK,
    omittedK: asked.filter((k) => k > most).map((k): OmittedK => ({ k, most })),
    passCurve,
    crashRate: ofCounted((problem) => CRASHES.reduce((sum, outcome) => sum + (problem.outcomes.get(outcome) ?? 0), 0)),
    outcomes: OUTCOME_ORDER.map((outcome): OutcomeShare => ({
      outcome,
      count: problems.reduce((sum, problem) => sum + (problem.outcomes.get(outcome) ?? 0), 0),
      share: ofCounted((problem) => problem.outcomes.get(outcome) ?? 0),
    })),
    categories,
    // The decision is about the experiment, and a part of it need not be like the rest.
    feasibility:
      partial === null || feasibility.undecided !== null ? feasibility : { ...feasibility, decision: 'undecided', undecided: 'partial' },
    problems: problems.map((problem) => problemRow(problem, tally)),
    finishReasons: [...tally.finishReasons]
      .map(([reason, count]) => ({ reason, count, share: count / tally.counted }))
      .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
    worst: tally.worst.choose(categories),
    browsed: tally.browsed.choose(),
    textView: view,
    analyses: null,
    intervals: { confidence: bootstrap.confidence, resamples: bootstrap.resamples, seed: seed.toString() },
    software: options.software ?? null,
  };
  return { ...claims, warnings: warningsOf(claims) };
}

/** Counts of one problem. */
interface ProblemTally {
  readonly taskId: string;
  readonly difficulty: number | null;
  counted: number;
  infra: number;
  passed: number;
  failed: number;
  /** Failures whose own leaf in the tree is residual, and of these those of errors (`other`). */
  residual: number;
  other: number;
  readonly outcomes: Map<CountedOutcome, number>;
  /** Failures by category code. */
  readonly categories: Map<string | null, number>;
}

/** The one pass over the samples. */
class Tally {
  readonly problems = new Map<string, ProblemTally>();
  readonly finishReasons = new Map<string, number>();
  /** Name and outcome of each category code, as the samples carry them (a config may have renamed them). */
  readonly names = new Map<string | null, { readonly name: string; readonly outcome: CountedOutcome }>();
  readonly worst = new WorstSamples(WORST_PLACES);
  readonly browsed = new SampleSelection();
  readonly costs = new ProblemCosts();
  strategy: string | null = null;
  samples = 0;
  counted = 0;
  nearLimit = 0;
  fragilePasses = 0;
  unsupported = 0;

  constructor(private readonly leaves: ReadonlyMap<string, Category>) {}

  add(sample: JudgedSample): void {
    this.strategy ??= sample.strategy;
    if (sample.strategy !== this.strategy) {
      throw new FaultlineError(
        'usage',
        `a report is about one strategy, and the samples are of "${this.strategy}" and "${sample.strategy}"`,
        {
          hint: 'Name one of them and report on each apart.',
        },
      );
    }
    const outcome = outcomeOf(sample.outcome);
    if (outcome === null) {
      throw new FaultlineError(
        'input',
        `${sample.taskId} sample ${sample.sampleIndex}: outcome "${sample.outcome}" is unknown to this version`,
        {
          hint: 'Use the version of faultline that wrote the database, or a newer one.',
        },
      );
    }
    this.samples++;
    const problem = this.problemOf(sample);
    if (outcome === 'infra') {
      problem.infra++;
      if (sample.verdict.outcome.status === 'unsupported') this.unsupported++;
      return;
    }
    this.counted++;
    this.browsed.offer(sample, outcome);
    this.costs.add(sample);
    problem.counted++;
    if (sample.verdict.measurements.nearLimit) this.nearLimit++;
    increment(problem.outcomes, outcome);
    increment(this.finishReasons, sample.finishReason);
    if (outcome === 'pass') {
      problem.passed++;
      if (sample.categoryCode !== null) this.fragilePasses++;
      return;
    }
    problem.failed++;
    // A failure that nobody could name is the most residual there is.
    const isBare = sample.categoryCode === null;
    if (isBare || (isResidual(sample) ?? this.leaves.get(sample.categoryCode)?.residual ?? false)) {
      problem.residual++;
      // The residual leaves of wrong answers (partly right, all wrong) say something; those of errors say "other".
      if (isBare || outcome !== 'wrong') problem.other++;
    }
    increment(problem.categories, sample.categoryCode);
    if (!this.names.has(sample.categoryCode)) {
      this.names.set(sample.categoryCode, { name: sample.categoryName ?? sample.categoryCode ?? 'without a category', outcome });
    }
    this.worst.offer(sample);
  }

  private problemOf({ taskId, difficulty }: JudgedSample): ProblemTally {
    let problem = this.problems.get(taskId);
    if (problem === undefined) {
      problem = {
        taskId,
        difficulty,
        counted: 0,
        infra: 0,
        passed: 0,
        failed: 0,
        residual: 0,
        other: 0,
        outcomes: new Map(),
        categories: new Map(),
      };
      this.problems.set(taskId, problem);
    }
    return problem;
  }
}

function increment<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function countsOf(problems: readonly ProblemTally[], tally: Tally, { tokens }: Costs): Counts {
  const sum = (count: (problem: ProblemTally) => number): number => problems.reduce((total, problem) => total + count(problem), 0);
  const sizes = problems.map((problem) => problem.counted);
  return {
    problems: problems.length,
    samples: tally.samples,
    counted: tally.counted,
    passed: sum((problem) => problem.passed),
    failed: sum((problem) => problem.failed),
    infra: sum((problem) => problem.infra),
    unsupported: tally.unsupported,
    solvedProblems: sum((problem) => (problem.passed > 0 ? 1 : 0)),
    nearLimit: tally.nearLimit,
    fragilePasses: tally.fragilePasses,
    samplesPerProblem: { least: sizes.length === 0 ? 0 : Math.min(...sizes), most: Math.max(0, ...sizes) },
    tokens,
  };
}

/** Values of k for a curve: every one up to 10, then about eight per doubling, and the last. */
function curveGrid(most: number): number[] {
  const grid = new Set<number>();
  for (let k = 1; k <= most; k = Math.max(k + 1, Math.round(k * 2 ** (1 / 8)))) grid.add(k);
  if (most > 0) grid.add(most);
  return [...grid].sort((a, b) => a - b);
}

function categoryShares(
  tally: Tally,
  leaves: ReadonlyMap<string, Category>,
  ofFailures: (count: (problem: ProblemTally) => number) => Estimate,
): CategoryShare[] {
  const problems = [...tally.problems.values()];
  return [...tally.names]
    .map(([code, { name, outcome }]): CategoryShare => {
      const leaf = code === null ? undefined : leaves.get(code);
      const count = (problem: ProblemTally): number => problem.categories.get(code) ?? 0;
      return {
        code,
        name,
        outcome,
        rule: leaf?.rule ?? (code?.includes(':') === true ? `a category of the config's own, out of ${code.split(':')[0]!}` : ''),
        residual: code === null || (leaf?.residual ?? false),
        count: problems.reduce((sum, problem) => sum + count(problem), 0),
        problems: problems.filter((problem) => count(problem) > 0).length,
        share: ofFailures(count),
      };
    })
    .sort((a, b) => compareCodes(a.code, b.code));
}

function feasibilityOf(ofFailures: (count: (problem: ProblemTally) => number) => Estimate): Feasibility {
  const outsideResidual = ofFailures(({ failed, residual }) => failed - residual);
  return {
    outsideResidual,
    outsideOther: ofFailures(({ failed, other }) => failed - other),
    threshold: FEASIBILITY_THRESHOLD,
    decision: outsideResidual.low === null ? 'undecided' : outsideResidual.low > FEASIBILITY_THRESHOLD ? 'proceed' : 'stop',
    undecided: outsideResidual.low === null ? 'no_failures' : null,
  };
}

function problemRow(problem: ProblemTally, { names, costs }: Tally): ProblemRow {
  const own = costs.costs([problem.taskId]);
  const [top] = [...problem.categories].sort(([a, countA], [b, countB]) => countB - countA || compareCodes(a, b));
  return {
    taskId: problem.taskId,
    difficulty: problem.difficulty,
    samples: problem.counted,
    infra: problem.infra,
    passes: problem.passed,
    passAt1: problem.counted === 0 ? null : problem.passed / problem.counted,
    outcomes: Object.fromEntries(problem.outcomes),
    topCategory: top === undefined ? null : { code: top[0], name: names.get(top[0])!.name, count: top[1] },
    meanTokens: problem.counted === 0 ? null : own.tokens / problem.counted,
    costs: own,
  };
}

function factsOf(experiment: Experiment): ExperimentFacts {
  return {
    name: experiment.name,
    hash: experiment.hash,
    seed: experiment.seed,
    modelHash: experiment.modelHash,
    tokenizerHash: experiment.tokenizerHash,
    problemsHash: experiment.problemsHash,
    dtype: experiment.dtype,
    device: experiment.device,
    deviceName: experiment.deviceName,
    kernelFamily: experiment.kernelFamily,
    isa: experiment.isa,
    cpu: experiment.cpu,
    pythonVersion: experiment.pythonVersion,
    isolationTier: experiment.isolationTier,
    calibration: experiment.calibration,
    version: experiment.version,
    createdAt: experiment.createdAt,
    finishedAt: experiment.finishedAt,
    config: flatten(experiment.config),
    categorySettings: settingsOf(experiment.categorySettings),
  };
}

/** The entries about categories, each as JSON. */
function settingsOf(json: string | null): ConfigEntry[] | null {
  if (json === null) return null;
  return Object.entries(JSON.parse(json) as Record<string, unknown>).map(([key, value]) => ({ key, value: JSON.stringify(value) }));
}

/** The entries of a config as dotted keys. The text is canonical JSON; whatever else it is stands as it is. */
function flatten(json: string): ConfigEntry[] {
  let root: unknown;
  try {
    root = JSON.parse(json);
  } catch {
    return [{ key: 'config', value: json }];
  }
  const entries: ConfigEntry[] = [];
  const visit = (path: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value)) visit(path === '' ? key : `${path}.${key}`, inner);
    } else {
      entries.push({ key: path === '' ? 'config' : path, value: typeof value === 'string' ? value : JSON.stringify(value) });
    }
  };
  visit('', root);
  return entries;
}
