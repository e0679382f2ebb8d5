/**
 * Several experiments side by side: what came of the samples by experiment, and by each setting that an experiment has one value of
 * ({@link SETTINGS}). Over the problems that all of them have, with intervals from one set of resamples of these. Pure. Tests nothing but whether
 * the experiments' failures are of other kinds, all of them in one table: whether two experiments differ says `difference.ts`.
 */
import { FaultlineError } from '../../errors.js';
import type { AssertionMarks, JudgedSample } from '../../store/types.js';
import { familyOf } from '../annotation/labels.js';
import { compareCodes } from '../category-order.js';
import { ProblemCosts, totalCosts, type Costs } from '../costs.js';
import type { DifferenceWarning } from '../difference.js';
import { failureKindsOfAll, type FailureKindsOfAll } from '../failure-kinds.js';
import { knownOutcome, OUTCOMES } from '../outcomes.js';
import { plural } from '../render/format.js';
import type { Intervals } from '../report-data.js';
import { Bootstrap, type BootstrapOptions, type Estimate } from '../statistics/bootstrap.js';
import { finish, type Steps } from '../steps.js';
import { ENOUGH_PROBLEMS, FEW_PROBLEMS } from '../warnings.js';
import { groupOf, reasonFor, type Group } from './distribution.js';
import { hiddenAssertions, type HiddenAssertions, type HiddenPass } from './hidden-assertions.js';
import { programCounts, programShares, twoShares, type ProgramShares, type TwoShares } from './programs.js';
import { AnalysisRows, groupedBy, perProblem, SharedPrograms, type AnalysisRow } from './rows.js';

export type SettingName = 'experiment' | 'strategy' | 'temperature';

/** One experiment before it is compared. */
export interface SettingExperiment {
  /** As tables name it: no two have one. */
  readonly label: string;
  readonly hash: string;
  /** Null where the experiment does not say, as of samples that were made elsewhere. */
  readonly temperature: string | null;
  /** What each of its problems asks, by task: equal texts are one question. */
  readonly questions: ReadonlyMap<string, string>;
  /** What decided its draws: with equal texts, samples of one problem and index are one draw. */
  readonly draws: string;
  /** Of its problems' assertions; a problem without has no sample that is looked at on the hidden ones alone. */
  readonly marks: readonly AssertionMarks[];
  /** Problem by problem; each (task, sample index) at most once. Read once. */
  readonly samples: Iterable<JudgedSample>;
}

export interface BySetting {
  /** In the order in which they were named. */
  readonly experiments: readonly Compared[];
  readonly problems: {
    /** In all of them, with a sample that counts in each: what every number is about. */
    readonly compared: number;
    /** In some, and not in all. */
    readonly notInAll: number;
    /** In all by name, and another question in one of them at least. */
    readonly changed: number;
    /** The same in all, but without a sample that counts in one of them at least: not judged, or unsupported. */
    readonly notJudged: number;
  };
  /** Everything that was not the same for all, their names apart; values in the order of the experiments, empty for one that has none. */
  readonly differing: readonly { readonly key: string; readonly values: readonly string[] }[];
  /** In the order of {@link SETTINGS}. */
  readonly tables: readonly SettingTable[];
  /** Whether failures are of other kinds in one experiment than in another; counts are in the order of the experiments. */
  readonly failures: FailureKindsOfAll;
  readonly intervals: Intervals;
  /** Where there is too little for a claim. */
  readonly warnings: readonly DifferenceWarning[];
}

export interface Compared {
  readonly label: string;
  readonly hash: string;
  /** Null without samples. */
  readonly strategy: string | null;
  readonly temperature: string | null;
  /** All of its problems. */
  readonly problems: number;
}

export interface SettingTable {
  readonly setting: SettingName;
  /** In the values' order; empty where there is nothing to tell apart. */
  readonly groups: readonly SettingGroup[];
  /** Keys of what differs beside the setting, between its values or within one: what the differences of rates may come from as well. */
  readonly alsoDiffer: readonly string[];
  /** Why there are no groups; null where there are. */
  readonly missing: string | null;
}

/**
 * What came of the samples of one value. Experiments of one value are one group where all their problems are the same and their draws are
 * not, and a group each otherwise.
 */
export interface SettingGroup extends Group {
  /** Labels: several where they are pooled. */
  readonly experiments: readonly string[];
  /** Of the failures, by family of categories. */
  readonly families: readonly FamilyShare[];
  /** What a report has of one experiment: pass@k on the hidden assertions alone, and shares over distinct programs. */
  readonly hiddenAssertions: HiddenAssertions;
  /** Equal completions of one problem are one program, also where two experiments of the group drew them. */
  readonly programs: ProgramShares;
  readonly costs: Costs;
}

/** pass@1 on all and on hidden assertions, over the group's problems that have hidden ones; null without such a problem. */
export function hiddenPassOf({ hiddenAssertions: { passAtK } }: SettingGroup): HiddenPass | null {
  return passAtK.find(({ k }) => k === 1) ?? null;
}

/** Passes as shares of the samples and of the distinct programs. */
export function passSharesOf({ programs: { outcomes } }: SettingGroup): TwoShares {
  return outcomes.find(({ outcome }) => outcome === 'pass')!;
}

export interface FamilyShare {
  /** The part of its codes before the dot; null for failures that nobody could name. */
  readonly code: string | null;
  readonly name: string;
  readonly count: number;
  /** Of the group's failures. Without an interval where the group is one problem, as its rates. */
  readonly share: Estimate;
  /** Distinct ones. */
  readonly programs: number;
  /** Of the group's distinct programs that fail. */
  readonly ofPrograms: Estimate;
}

interface SettingRow {
  readonly name: SettingName;
  readonly valueOf: (experiment: Side) => string | null;
  /** Whether an entry of a config is this setting, or a part of it. */
  readonly isOwn: (key: string) => boolean;
  /** Where a value stands; the same for all where they stay in the order of the experiments. */
  readonly order: (value: string | null) => number;
}

const asNamed = (): number => 0;

/** One row each: it feeds text, JSON and its schema. */
export const SETTINGS: readonly SettingRow[] = [
  { name: 'experiment', valueOf: ({ label }) => label, isOwn: () => false, order: asNamed },
  {
    name: 'strategy',
    valueOf: ({ strategy }) => strategy,
    isOwn: (key) => key.startsWith('strategy.') && key !== 'strategy.temperature',
    order: asNamed,
  },
  {
    name: 'temperature',
    valueOf: ({ temperature }) => temperature,
    isOwn: (key) => key === 'strategy.temperature',
    // What is not recorded comes last.
    order: (value) => (value === null ? Infinity : Number(value)),
  },
];

/**
 * Compares experiments by their settings.
 * @param differing as {@link BySetting.differing}
 * @throws FaultlineError kind `usage` for an experiment that holds samples of several strategies, kind `input` for an outcome that this version
 *   does not know
 */
export function bySetting(
  experiments: readonly SettingExperiment[],
  differing: BySetting['differing'],
  options: BootstrapOptions = {},
): BySetting {
  return finish(bySettingSteps(experiments, differing, options));
}

/** The same in steps. */
export function* bySettingSteps(
  experiments: readonly SettingExperiment[],
  differing: BySetting['differing'],
  options: BootstrapOptions = {},
): Steps<BySetting> {
  const sides: Side[] = [];
  const programs = new SharedPrograms();
  for (const experiment of experiments) sides.push(yield* Side.read(experiment, programs));
  const [first, ...others] = sides;
  const all = [...new Set(sides.flatMap(({ questions }) => [...questions.keys()]))];
  const inAll = all.filter((task) => sides.every(({ questions }) => questions.has(task)));
  const same = inAll.filter((task) => others.every(({ questions }) => questions.get(task) === first?.questions.get(task)));
  const tasks = same.filter((task) => sides.every((side) => side.counted.has(task)));
  const bootstrap = new Bootstrap(tasks.length, options);
  yield;
  const tables: SettingTable[] = [];
  for (const setting of SETTINGS) tables.push(yield* tableOf(setting, sides, tasks, differing, bootstrap));
  const failures = yield* kindsOf(sides, tasks, bootstrap, options);
  return {
    experiments: sides.map(({ label, hash, strategy, temperature, questions }) => ({
      label,
      hash,
      strategy,
      temperature,
      problems: questions.size,
    })),
    problems: {
      compared: tasks.length,
      notInAll: all.length - inAll.length,
      changed: inAll.length - same.length,
      notJudged: same.length - tasks.length,
    },
    differing,
    tables,
    failures,
    intervals: { confidence: bootstrap.confidence, resamples: bootstrap.resamples, seed: (options.seed ?? 0n).toString() },
    warnings: warningsOf(tasks.length),
  };
}

function* tableOf(
  setting: SettingRow,
  sides: readonly Side[],
  tasks: readonly string[],
  differing: BySetting['differing'],
  bootstrap: Bootstrap,
): Steps<SettingTable> {
  const values = [...groupedBy(sides, setting.valueOf)].sort(([a], [b]) => compareOrder(setting.order(a), setting.order(b)));
  // An entry of the setting's own is its value only where the value settles it: nucleus at another top_p is nucleus too.
  const isSettled = (each: BySetting['differing'][number]): boolean =>
    values.every(([, own]) => new Set(own.map((side) => each.values[sides.indexOf(side)])).size === 1);
  const head = {
    setting: setting.name,
    alsoDiffer: differing.filter((each) => !(setting.isOwn(each.key) && isSettled(each))).map(({ key }) => key),
  };
  const [only, ...more] = values;
  if (tasks.length === 0 || only === undefined)
    return { ...head, groups: [], missing: 'no problem is the same in all, with a judged sample in each' };
  if (more.length === 0 && setting.name !== 'experiment') return { ...head, groups: [], missing: reasonFor(setting.name, null, only[0]) };
  const groups: SettingGroup[] = [];
  for (const [value, own] of values) {
    for (const pooled of canBePooled(own) ? [own] : own.map((side) => [side]))
      groups.push(yield* settingGroup(value, pooled, tasks, bootstrap));
  }
  return { ...head, groups, missing: null };
}

/** Infinity minus itself is no number. */
function compareOrder(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

/** Whether experiments are further samples of the same problems: asked the same, whatever was judged of it, and not the same draws again. */
function canBePooled(sides: readonly Side[]): boolean {
  const [first, ...others] = sides;
  return (
    new Set(sides.map(({ draws }) => draws)).size === sides.length &&
    others.every(
      ({ questions }) =>
        questions.size === first!.questions.size && [...questions].every(([task, text]) => first!.questions.get(task) === text),
    )
  );
}

function* settingGroup(value: string | null, sides: readonly Side[], tasks: readonly string[], bootstrap: Bootstrap): Steps<SettingGroup> {
  const rows = sides.flatMap((side) => side.rowsOf(tasks));
  yield;
  const group = groupOf(value, rows, bootstrap);
  yield;
  const hidden = hiddenAssertions(rows, tasks, marksOf(sides), bootstrap);
  yield;
  const programs = programShares(rows, bootstrap);
  yield;
  return {
    ...group,
    experiments: sides.map(({ label }) => label),
    families: yield* familiesOf(rows, bootstrap),
    hiddenAssertions: hidden,
    programs,
    costs: totalCosts(sides.map((side) => side.costs.costs(tasks))),
  };
}

/** Of the problems of experiments that are pooled, which are the same: a problem that one of them has marked is marked. */
function marksOf(sides: readonly Side[]): AssertionMarks[] {
  const marks = new Map<string, AssertionMarks>();
  for (const each of sides.flatMap((side) => side.marks)) if (marks.get(each.taskId)?.total == null) marks.set(each.taskId, each);
  return [...marks.values()];
}

function* familiesOf(rows: readonly AnalysisRow[], bootstrap: Bootstrap): Steps<FamilyShare[]> {
  const failed = rows.filter(({ outcome }) => outcome !== 'pass');
  const failures = programCounts(failed, bootstrap.size);
  const alone = (value: number): Estimate => ({ value, low: null, high: null, method: 'none' });
  const byFamily = [...groupedBy(failed, ({ categoryCode }) => (categoryCode === null ? null : familyOf(categoryCode)))];
  const families: FamilyShare[] = [];
  for (const [code, own] of byFamily.sort(([a], [b]) => compareCodes(a, b))) {
    const { samples, ofSamples, programs, ofPrograms } = twoShares(own, failures, bootstrap);
    families.push({
      code,
      // All leaves of a family have one outcome.
      name: code === null ? 'without a category' : OUTCOMES[own[0]!.outcome].label,
      count: samples,
      share: bootstrap.size === 1 ? alone(ofSamples.value!) : ofSamples,
      programs,
      ofPrograms: bootstrap.size === 1 ? alone(ofPrograms.value!) : ofPrograms,
    });
    yield;
  }
  return families;
}

/** Categories of failures by experiment, over all of them. */
function kindsOf(
  sides: readonly Side[],
  tasks: readonly string[],
  bootstrap: Bootstrap,
  { seed = 0n }: BootstrapOptions,
): Steps<FailureKindsOfAll> {
  const rows = sides.map((side) => side.rowsOf(tasks));
  const failed = rows.map((own) => own.filter(({ outcome }) => outcome !== 'pass'));
  const samples = rows.map((own) => [...perProblem(own, tasks.length)]);
  const codes = [...new Set(failed.flat().map(({ categoryCode }) => categoryCode))].sort(compareCodes);
  const places = new Map(codes.map((code, place) => [code, place]));
  const counts = failed.map((ofOne) => {
    const own = tasks.map(() => codes.map(() => 0));
    for (const { problem, categoryCode } of ofOne) own[problem]![places.get(categoryCode)!]!++;
    return own;
  });
  return failureKindsOfAll(bootstrap, codes, counts, { draws: bootstrap.resamples, seed, samples });
}

function warningsOf(problems: number): DifferenceWarning[] {
  if (problems === 0 || problems >= ENOUGH_PROBLEMS) return [];
  return [
    {
      rule: 'few_problems',
      text: `${plural(problems, 'problem')} in all of them: with fewer than ${ENOUGH_PROBLEMS} the intervals are too narrow.`,
      ...FEW_PROBLEMS,
    },
  ];
}

/** One experiment as it is compared. */
class Side {
  readonly label: string;
  readonly hash: string;
  readonly temperature: string | null;
  readonly questions: ReadonlyMap<string, string>;
  readonly draws: string;
  readonly marks: readonly AssertionMarks[];
  readonly strategy: string | null;
  /** Tasks with a sample that counts. */
  readonly counted: ReadonlySet<string>;
  readonly costs: ProblemCosts;
  readonly #rows: AnalysisRows;

  /** Of the samples that went by. */
  private constructor(
    { label, hash, temperature, questions, draws, marks }: Omit<SettingExperiment, 'samples'>,
    seen: AnalysisRows,
    costs: ProblemCosts,
  ) {
    this.label = label;
    this.hash = hash;
    this.temperature = temperature;
    this.questions = questions;
    this.draws = draws;
    this.marks = marks;
    this.#rows = seen;
    this.costs = costs;
    const { rows, problems } = seen;
    const [strategy, ...others] = new Set(rows.map((row) => row.strategy));
    if (others.length > 0) {
      throw new FaultlineError('usage', `${label} holds samples of several strategies: ${[strategy, ...others].join(', ')}`, {
        hint: 'Compare experiments of one strategy each.',
      });
    }
    this.strategy = strategy ?? null;
    this.counted = new Set(rows.map(({ problem }) => problems[problem]!.taskId));
  }

  /** A step a sample. */
  static *read({ samples, ...experiment }: SettingExperiment, programs: SharedPrograms): Steps<Side> {
    const rows = new AnalysisRows(experiment.marks, programs);
    const costs = new ProblemCosts();
    for (const sample of rows.through(samples)) {
      if (knownOutcome(sample.outcome) !== 'infra') costs.add(sample);
      yield;
    }
    return new Side(experiment, rows, costs);
  }

  /** The samples of some problems, which have their numbers from these: as all experiments number them. */
  rowsOf(tasks: readonly string[]): AnalysisRow[] {
    const { rows, problems } = this.#rows;
    const numbers = new Map(tasks.map((task, number) => [task, number]));
    const numberOf = problems.map(({ taskId }) => numbers.get(taskId));
    return rows.flatMap((row) => {
      const problem = numberOf[row.problem];
      return problem === undefined ? [] : [{ ...row, problem }];
    });
  }
}
