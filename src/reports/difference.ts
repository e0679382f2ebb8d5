/**
 * What differs between two experiments, as data: rates over the problems that both have, with intervals over problems, and which
 * problems changed. Pure: reads what it is given once. Formats nothing.
 *
 * Everything is second minus first. A sample counts unless its outcome is `infra`, as in a report.
 */
import { FaultlineError } from '../errors.js';
import type { AssertionMarks, JudgedSample } from '../store/types.js';
import { splitResult, type KindResult } from './analysis/hidden-result.js';
import { compareCodes } from './category-order.js';
import { ProblemCosts, type Costs } from './costs.js';
import { failureKinds, type FailureKinds } from './failure-kinds.js';
import { CRASHES, knownOutcome, OUTCOME_ORDER, type CountedOutcome } from './outcomes.js';
import { plural, whole } from './render/format.js';
import type { ReportWarning } from './report-data.js';
import { benjaminiHochberg } from './statistics/benjamini-hochberg.js';
import { Bootstrap, type Estimate } from './statistics/bootstrap.js';
import { rateDominance } from './statistics/cliffs-delta.js';
import { mcnemar, type McNemar } from './statistics/mcnemar.js';
import { rateDifference, type ProblemCounts } from './statistics/paired-bootstrap.js';
import { rateSwapTest } from './statistics/problem-swaps.js';
import { finish, type Steps } from './steps.js';
import { textDigest } from './text-digest.js';
import { ENOUGH_PROBLEMS, FEW_PROBLEMS } from './warnings.js';
import { sum } from './statistics/sum.js';

export interface RateRow {
  /** Of what: `pass`, `crash rate`, an outcome, `hidden pass`, `distinct`, or a category's code. */
  readonly name: string;
  /** A category's name; null for others. */
  readonly title: string | null;
  readonly first: { readonly count: number; readonly share: number | null };
  readonly second: { readonly count: number; readonly share: number | null };
  /** With the interval by paired bootstrap over problems, and the p-value by swaps within problems; an outcome has none, as its categories have. */
  readonly difference: Estimate & { readonly p: number | null };
  /** The difference's p, adjusted for all tests of all tables (Benjamini and Hochberg); rows of the same counts are one test. */
  readonly adjustedP: number | null;
}

/** On the assertions that prompts do not show: over the compared problems that have some, and whose assertions are marked on both sides. */
export interface HiddenDifference {
  readonly problems: number;
  readonly samples: { readonly first: number; readonly second: number };
  /** Samples of which it cannot be known: they count as failing. */
  readonly unknown: { readonly first: number; readonly second: number };
  /** `pass` on all assertions of these problems, which has no test, and `hidden pass` on the hidden ones alone; empty without such a problem. */
  readonly rates: readonly RateRow[];
  /** Why there are none; null where there are. */
  readonly missing: string | null;
}

/** Over distinct programs: equal completions of one problem are one. */
export interface ProgramDifference {
  readonly first: number;
  readonly second: number;
  /**
   * `distinct`, the programs over the samples, which has no test; `pass` and `crash rate` over the programs, where one with two outcomes has both. None has one where numbers of samples
   * differ too much for it, and a warning says so.
   */
  readonly rates: readonly RateRow[];
}

export interface ProblemChange {
  readonly taskId: string;
  readonly first: { readonly passed: number; readonly counted: number };
  readonly second: { readonly passed: number; readonly counted: number };
}

export interface Difference {
  readonly problems: {
    /** In both, with a sample that counts in each: what is compared. */
    readonly compared: number;
    /** In one of the two alone, whatever came of them. */
    readonly onlyFirst: number;
    readonly onlySecond: number;
    /** In both, but without a sample that counts in one of them at least: not judged, or unsupported. */
    readonly notJudged: number;
  };
  /** Counted samples of the compared problems. */
  readonly samples: { readonly first: number; readonly second: number };
  /** Of the same samples. */
  readonly costs: { readonly first: Costs; readonly second: Costs };
  /** Pass and crash rate, then all outcomes that occur. */
  readonly rates: readonly RateRow[];
  /** Categories that occur in either, by code; shares are of all counted samples. */
  readonly categories: readonly RateRow[];
  readonly hiddenAssertions: HiddenDifference;
  readonly programs: ProgramDifference;
  /** Whether failures are of other kinds. */
  readonly failures: FailureKinds;
  /** Cliff's delta of the problems' pass rates; null where numbers of samples differ too much for it, and a warning says so. */
  readonly passRates: { readonly cliffsDelta: Estimate };
  /** Samples of one index of one problem, side by side. */
  readonly pairs: {
    readonly pairs: number;
    /** With the same completion, to the character. */
    readonly sameText: number;
    readonly bothPass: number;
    readonly onlyFirst: number;
    readonly onlySecond: number;
    readonly neither: number;
    /** Where there is one pair for each problem, as with greedy decoding; otherwise pairs of one problem are not independent, and it is null. */
    readonly mcnemar: McNemar | null;
  };
  /** Problems whose share of passes changed, largest changes first, at most twenty. */
  readonly changes: readonly ProblemChange[];
  /** Of the intervals, and draws of the tests over more than 15 problems that differ. */
  readonly resamples: number;
  /** Where there is too little for a claim. */
  readonly warnings: readonly DifferenceWarning[];
}

/** As in a report, without a place: all of it is about the same problems. */
export type DifferenceWarning = Omit<ReportWarning, 'at'>;

export interface DifferenceOptions {
  /** Default 9,999. */
  readonly resamples?: number;
  /** Of the bootstrap and the tests; default 0. */
  readonly seed?: bigint;
  /** Of either's assertions; without them nothing is said of hidden ones. */
  readonly marks?: { readonly first: readonly AssertionMarks[]; readonly second: readonly AssertionMarks[] };
}

const MOST_CHANGES = 20;

/** Samples without their like in number on the other side, of the larger side's: above it, what depends on how many were drawn is left out. */
const MOST_APART = 0.2;

/**
 * Compares two experiments.
 * @param first, second each (task, sample index) at most once
 * @throws FaultlineError kind `usage` for samples of several strategies on one side, kind `input` for an outcome that this version does not know
 */
export function difference(first: Iterable<JudgedSample>, second: Iterable<JudgedSample>, options: DifferenceOptions = {}): Difference {
  return finish(differenceSteps(first, second, options));
}

/** The same in steps. */
export function* differenceSteps(
  first: Iterable<JudgedSample>,
  second: Iterable<JudgedSample>,
  options: DifferenceOptions = {},
): Steps<Difference> {
  const sides = [yield* Side.read(first, options.marks?.first), yield* Side.read(second, options.marks?.second)] as const;
  const [a, b] = sides;
  const shared = [...a.problems.keys()].filter((task) => b.problems.has(task)).length;
  const tasks = [...a.problems.keys()].filter((task) => a.counted(task) > 0 && b.counted(task) > 0);
  const counted = sides.map((side) => tasks.map((task) => side.counted(task))) as [number[], number[]];
  const isUneven = differInNumber(...counted);
  const { seed = 0n, resamples = 9_999 } = options;
  const bootstrap = new Bootstrap(tasks.length, { seed, resamples });
  const tests = new Map<string, number | null>();
  /** Each once: what is counted alike, or is the rest of what is counted, is the same question. */
  const test = (first: ProblemCounts, second: ProblemCounts): { readonly p: number | null; readonly question: string } => {
    const question = questionOf(first, second);
    if (!tests.has(question)) tests.set(question, rateSwapTest(first, second, { draws: resamples, seed }));
    return { p: tests.get(question)!, question };
  };

  const rowOf = (name: string, title: string | null, counts: readonly [Counts, Counts], isTested = true): UnadjustedRow => {
    const [inFirst, inSecond] = counts.map((each) => {
      const [count, samples] = [sum(each.hits), sum(each.samples)];
      return { count, share: samples === 0 ? null : count / samples };
    });
    const { p, question } = isTested ? test(...counts) : { p: null, question: null };
    return {
      question,
      row: { name, title, first: inFirst!, second: inSecond!, difference: { ...rateDifference(bootstrap, counts[1], counts[0]), p } },
    };
  };
  const row = (name: string, title: string | null, hits: (sample: Counted) => boolean, isTested = true): UnadjustedRow =>
    rowOf(name, title, countsOf(sides, tasks, (samples) => samples.filter(hits).length), isTested); // prettier-ignore
  const every = sides.flatMap((side) => tasks.flatMap((task) => side.samples(task)));
  const outcomes = OUTCOME_ORDER.filter((outcome) => outcome !== 'pass' && every.some((sample) => sample.outcome === outcome));
  const codes = new Map(every.flatMap(({ code, category }) => (code === null ? [] : [[code, category] as const])));
  const rates: UnadjustedRow[] = [];
  for (const one of [
    () => row('pass', null, isPass),
    () => row('crash rate', null, isCrash),
    ...outcomes.map((name) => () => row(name, null, ({ outcome }) => outcome === name, false)),
  ]) {
    rates.push(one());
    yield;
  }
  const categories: UnadjustedRow[] = [];
  for (const [name, title] of [...codes].sort(([x], [y]) => compareCodes(x, y))) {
    categories.push(row(name, title, ({ code }) => code === name));
    yield;
  }
  const hidden = hiddenRows(sides, tasks, rowOf);
  yield;
  const programs = [
    rowOf('distinct', null, countsOf(sides, tasks, programsOf), false),
    rowOf('pass', null, countsOf(sides, tasks, (samples) => programsOf(samples.filter(isPass)), { of: programsOf }), !isUneven), // prettier-ignore
    rowOf('crash rate', null, countsOf(sides, tasks, (samples) => programsOf(samples.filter(isCrash)), { of: programsOf }), !isUneven), // prettier-ignore
  ];
  yield;
  const adjust = adjustment(tests);
  const failed = (side: Side, task: string): readonly Counted[] => side.samples(task).filter(({ outcome }) => outcome !== 'pass');
  const kinds = [...new Set(sides.flatMap((side) => tasks.flatMap((task) => failed(side, task).map(({ code }) => code))))].sort(
    compareCodes,
  );
  const [failuresA, failuresB] = sides.map((side) =>
    tasks.map((task) => {
      const here = failed(side, task);
      return kinds.map((kind) => here.filter(({ code }) => code === kind).length);
    }),
  ) as [number[][], number[][]];
  const [passRatesA, passRatesB] = sides.map((side) => tasks.map((task) => side.passed(task) / side.counted(task))) as [number[], number[]];
  const failures = yield* failureKinds(bootstrap, kinds, failuresA, failuresB, { draws: resamples, seed, samples: counted });
  yield;
  // Of one sample a problem's rate is 0 or 1, of a hundred hardly ever: which is higher would say how many samples were drawn.
  const cliffsDelta: Estimate = isUneven
    ? { value: null, low: null, high: null, method: 'none' }
    : rateDominance(bootstrap, passRatesA, passRatesB);
  yield;
  return {
    problems: {
      compared: tasks.length,
      onlyFirst: a.problems.size - shared,
      onlySecond: b.problems.size - shared,
      notJudged: shared - tasks.length,
    },
    samples: { first: sum(tasks.map((task) => a.counted(task))), second: sum(tasks.map((task) => b.counted(task))) },
    costs: { first: a.costs(tasks), second: b.costs(tasks) },
    rates: rates.map(adjust),
    categories: categories.map(adjust),
    hiddenAssertions: { ...hidden, rates: hidden.rates.map(adjust) },
    programs: { first: programs[0]!.row.first.count, second: programs[0]!.row.second.count, rates: programs.map(adjust) },
    failures,
    passRates: { cliffsDelta },
    pairs: pairsOf(a, b, tasks),
    changes: changesOf(a, b, tasks),
    resamples: bootstrap.resamples,
    warnings: warningsOf(tasks.length, isUneven ? (counted.map(sum) as [number, number]) : null),
  };
}

/** A row before its adjustment, with the key of its test; null where it has none. */
interface UnadjustedRow {
  readonly row: Omit<RateRow, 'adjustedP'>;
  readonly question: string | null;
}

interface Counts extends ProblemCounts {
  readonly hits: number[];
  readonly samples: number[];
}

/**
 * By problem, of either side.
 * @param of every problem's samples; by default all of them count
 * @param isCounted by default every problem; others stay in their places with nothing, so that all rates have one set of resamples
 */
function countsOf(
  sides: readonly [Side, Side],
  tasks: readonly string[],
  hits: (samples: readonly Counted[]) => number,
  { of = ({ length }) => length, isCounted = () => true }: CountsOptions = {},
): [Counts, Counts] {
  return sides.map((side) => ({
    hits: tasks.map((task) => (isCounted(task) ? hits(side.samples(task)) : 0)),
    samples: tasks.map((task) => (isCounted(task) ? of(side.samples(task)) : 0)),
  })) as [Counts, Counts];
}

interface CountsOptions {
  readonly of?: (samples: readonly Counted[]) => number;
  readonly isCounted?: (task: string) => boolean;
}

const isPass = ({ outcome }: Counted): boolean => outcome === 'pass';
const isCrash = ({ outcome }: Counted): boolean => CRASHES.includes(outcome);

function programsOf(samples: readonly Counted[]): number {
  return new Set(samples.map(({ text }) => text)).size;
}

type UnadjustedHidden = Omit<HiddenDifference, 'rates'> & { readonly rates: readonly UnadjustedRow[] };

function hiddenRows(
  sides: readonly [Side, Side],
  tasks: readonly string[],
  rowOf: (name: string, title: null, counts: readonly [Counts, Counts], isTested?: boolean) => UnadjustedRow,
): UnadjustedHidden {
  // All samples of a problem have the same marks.
  const isOf = (task: string): boolean => sides.every((side) => side.samples(task)[0]!.hidden !== null);
  const known = tasks.filter(isOf);
  const total = (hits: (sample: Counted) => boolean): { first: number; second: number } => {
    const [first, second] = sides.map((side) => sum(known.map((task) => side.samples(task).filter(hits).length)));
    return { first: first!, second: second! };
  };
  const head = { problems: known.length, samples: total(() => true), unknown: total(({ hidden }) => hidden === 'unknown') };
  if (known.length === 0) return { ...head, rates: [], missing: 'no problem has hidden assertions that are marked in both' };
  const isKnown = new Set(known);
  const own = (hits: (sample: Counted) => boolean): [Counts, Counts] =>
    countsOf(sides, tasks, (samples) => samples.filter(hits).length, { isCounted: (task) => isKnown.has(task) });
  return {
    ...head,
    rates: [
      rowOf('pass', null, own(isPass), false),
      rowOf(
        'hidden pass',
        null,
        own(({ hidden }) => hidden === 'passed'),
      ),
    ],
    missing: null,
  };
}

/** The same text for the same counts, and for those of all other samples. */
function questionOf(...sides: readonly ProblemCounts[]): string {
  const counts = sides.map(({ hits }) => Array.from(hits));
  const others = sides.map(({ hits, samples }) => Array.from(hits, (hit, i) => samples[i]! - hit));
  return [JSON.stringify(counts), JSON.stringify(others)].sort()[0]!;
}

function adjustment(tests: ReadonlyMap<string, number | null>): (row: UnadjustedRow) => RateRow {
  const adjusted = benjaminiHochberg([...tests.values()]);
  const places = new Map([...tests.keys()].map((question, place) => [question, place]));
  return ({ row, question }) => ({ ...row, adjustedP: question === null ? null : adjusted[places.get(question)!]! });
}

/** Whether two experiments have so unequal numbers of samples of the same problems that what depends on these numbers cannot be compared. */
function differInNumber(first: readonly number[], second: readonly number[]): boolean {
  const apart = sum(first.map((count, i) => Math.abs(count - second[i]!)));
  return apart > MOST_APART * sum(first.map((count, i) => Math.max(count, second[i]!)));
}

/** @param uneven samples of either, where their numbers differ too much for some comparisons; else null */
function warningsOf(problems: number, uneven: readonly [number, number] | null): DifferenceWarning[] {
  const least = 2 ** (1 - problems);
  return [
    ...(problems === 0 || problems >= ENOUGH_PROBLEMS
      ? []
      : [
          {
            rule: 'few_problems',
            text:
              `${plural(problems, 'problem')} in both: with fewer than ${ENOUGH_PROBLEMS} the intervals are too narrow` +
              (least > 0.05 ? `, and no p-value can be below ${least}: nothing can be told from chance here.` : '; go by the p-values.'),
            reason: `${FEW_PROBLEMS.reason}; swaps within problems keep their level`,
            source: FEW_PROBLEMS.source,
          },
        ]),
    ...(uneven === null
      ? []
      : [
          {
            rule: 'unequal_samples',
            text:
              `${plural(uneven[0], 'sample')} beside ${whole(uneven[1])} of the same problems: no Cliff's delta, and no test over distinct programs; ` +
              'shares of distinct programs are of as many samples as there are.',
            reason:
              'a rate of one sample is 0 or 1, so that which of two is higher depends on how many samples there are, and the more are drawn, the more rare programs are among them',
            source: 'N. J. Gotelli and R. K. Colwell, Ecology Letters 4 (2001), on counting kinds in unequal samples',
          },
        ]),
  ];
}

/** What is kept of a sample that counts. */
interface Counted {
  readonly index: number;
  readonly outcome: CountedOutcome;
  readonly code: string | null;
  readonly category: string | null;
  /** On the hidden assertions alone; null where its problem has none, or is not marked. */
  readonly hidden: KindResult | null;
  /** Digest of the completion. */
  readonly text: string;
}

/** One experiment's samples by problem, in the order in which they come. */
class Side {
  readonly problems = new Map<string, Counted[]>();
  readonly #costs = new ProblemCosts();
  readonly #marks: ReadonlyMap<string, AssertionMarks>;

  private constructor(marks: readonly AssertionMarks[]) {
    this.#marks = new Map(marks.map((each) => [each.taskId, each]));
  }

  /** A step a sample. */
  static *read(samples: Iterable<JudgedSample>, marks: readonly AssertionMarks[] = []): Steps<Side> {
    const side = new Side(marks);
    let strategy: string | null = null;
    for (const sample of samples) {
      strategy ??= sample.strategy;
      if (sample.strategy !== strategy) {
        throw new FaultlineError('usage', `an experiment holds samples of several strategies: ${strategy}, ${sample.strategy}`, {
          hint: 'Compare experiments of one strategy each.',
        });
      }
      side.#add(sample);
      yield;
    }
    return side;
  }

  #add(sample: JudgedSample): void {
    const outcome = knownOutcome(sample.outcome);
    const of = this.problems.get(sample.taskId) ?? [];
    this.problems.set(sample.taskId, of);
    if (outcome === 'infra') return;
    this.#costs.add(sample);
    const { sampleIndex: index, categoryCode: code, categoryName: category, completion } = sample;
    const hidden = splitResult(sample.verdict, this.#marks.get(sample.taskId))?.hidden ?? null;
    of.push({ index, outcome, code, category, hidden, text: textDigest(completion) });
  }

  samples(task: string): readonly Counted[] {
    return this.problems.get(task) ?? [];
  }

  counted(task: string): number {
    return this.samples(task).length;
  }

  costs(tasks: readonly string[]): Costs {
    return this.#costs.costs(tasks);
  }

  passed(task: string): number {
    return this.samples(task).filter(({ outcome }) => outcome === 'pass').length;
  }
}

function pairsOf(a: Side, b: Side, tasks: readonly string[]): Difference['pairs'] {
  const counts = { pairs: 0, sameText: 0, bothPass: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
  let alone = true;
  for (const task of tasks) {
    const others = new Map(b.samples(task).map((sample) => [sample.index, sample]));
    let here = 0;
    for (const sample of a.samples(task)) {
      const other = others.get(sample.index);
      if (other === undefined) continue;
      here++;
      if (sample.text === other.text) counts.sameText++;
      const [inFirst, inSecond] = [sample.outcome === 'pass', other.outcome === 'pass'];
      counts[inFirst ? (inSecond ? 'bothPass' : 'onlyFirst') : inSecond ? 'onlySecond' : 'neither']++;
    }
    counts.pairs += here;
    if (here > 1) alone = false;
  }
  return { ...counts, mcnemar: alone && counts.pairs > 0 ? mcnemar(counts.onlyFirst, counts.onlySecond) : null };
}

function changesOf(a: Side, b: Side, tasks: readonly string[]): ProblemChange[] {
  const of = (side: Side, task: string): ProblemChange['first'] => ({ passed: side.passed(task), counted: side.counted(task) });
  const size = ({ first, second }: ProblemChange): number => Math.abs(second.passed / second.counted - first.passed / first.counted);
  return tasks
    .map((taskId) => ({ taskId, first: of(a, taskId), second: of(b, taskId) }))
    .filter((change) => size(change) > 0)
    .sort((x, y) => size(y) - size(x))
    .slice(0, MOST_CHANGES);
}
