/**
 * What differs between two experiments, as data: rates over the problems that both have, with intervals over problems, and which
 * problems changed. Pure: reads what it is given once. Formats nothing.
 *
 * Everything is second minus first. A sample counts unless its outcome is `infra`, as in a report.
 */
import { FaultlineError } from '../errors.js';
import type { JudgedSample } from '../store/types.js';
import { compareCodes } from './category-order.js';
import { CostTally, type Costs } from './costs.js';
import { CRASHES, OUTCOME_ORDER, outcomeOf, type CountedOutcome } from './outcomes.js';
import { benjaminiHochberg } from './statistics/benjamini-hochberg.js';
import { Bootstrap } from './statistics/bootstrap.js';
import { mcnemar, type McNemar } from './statistics/mcnemar.js';
import { rateDifference, type RateDifference } from './statistics/paired-bootstrap.js';

export interface RateRow {
  /** Of what: `pass`, `crash rate`, an outcome, or a category's code. */
  readonly name: string;
  /** A category's name; null for others. */
  readonly title: string | null;
  readonly first: { readonly count: number; readonly share: number | null };
  readonly second: { readonly count: number; readonly share: number | null };
  readonly difference: RateDifference;
  /** The difference's p, adjusted for all rows of its table (Benjamini and Hochberg). */
  readonly adjustedP: number | null;
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
  readonly resamples: number;
}

export interface DifferenceOptions {
  /** Default 9,999. */
  readonly resamples?: number;
  /** Of the bootstrap; default 0. */
  readonly seed?: bigint;
}

const MOST_CHANGES = 20;

/**
 * Compares two experiments.
 * @param first, second each (task, sample index) at most once
 * @throws FaultlineError kind `usage` for samples of several strategies on one side, kind `input` for an outcome that this version does not know
 */
export function difference(first: Iterable<JudgedSample>, second: Iterable<JudgedSample>, options: DifferenceOptions = {}): Difference {
  const sides = [new Side(first), new Side(second)] as const;
  const [a, b] = sides;
  const shared = [...a.problems.keys()].filter((task) => b.problems.has(task)).length;
  const tasks = [...a.problems.keys()].filter((task) => a.counted(task) > 0 && b.counted(task) > 0);
  const bootstrap = new Bootstrap(tasks.length, { seed: options.seed ?? 0n, resamples: options.resamples ?? 9_999 });

  const row = (name: string, title: string | null, hits: (sample: Counted) => boolean): Omit<RateRow, 'adjustedP'> => {
    const counts = sides.map((side) => ({
      hits: tasks.map((task) => side.samples(task).filter(hits).length),
      samples: tasks.map((task) => side.counted(task)),
    }));
    const [inFirst, inSecond] = counts.map((each) => {
      const [count, samples] = [sum(each.hits), sum(each.samples)];
      return { count, share: samples === 0 ? null : count / samples };
    });
    return { name, title, first: inFirst!, second: inSecond!, difference: rateDifference(bootstrap, counts[1]!, counts[0]!) };
  };
  const every = sides.flatMap((side) => tasks.flatMap((task) => side.samples(task)));
  const outcomes = OUTCOME_ORDER.filter((outcome) => outcome !== 'pass' && every.some((sample) => sample.outcome === outcome));
  const codes = new Map(every.flatMap(({ code, category }) => (code === null ? [] : [[code, category] as const])));
  return {
    problems: {
      compared: tasks.length,
      onlyFirst: a.problems.size - shared,
      onlySecond: b.problems.size - shared,
      notJudged: shared - tasks.length,
    },
    samples: { first: sum(tasks.map((task) => a.counted(task))), second: sum(tasks.map((task) => b.counted(task))) },
    costs: { first: a.costs(tasks), second: b.costs(tasks) },
    rates: adjusted([
      row('pass', null, ({ outcome }) => outcome === 'pass'),
      row('crash rate', null, ({ outcome }) => CRASHES.includes(outcome)),
      ...outcomes.map((name) => row(name, null, ({ outcome }) => outcome === name)),
    ]),
    categories: adjusted(
      [...codes].sort(([x], [y]) => compareCodes(x, y)).map(([name, title]) => row(name, title, ({ code }) => code === name)),
    ),
    pairs: pairsOf(a, b, tasks),
    changes: changesOf(a, b, tasks),
    resamples: bootstrap.resamples,
  };
}

/** What is kept of a sample that counts. */
interface Counted {
  readonly index: number;
  readonly outcome: CountedOutcome;
  readonly code: string | null;
  readonly category: string | null;
  readonly completion: string;
}

/** One experiment's samples by problem, in the order in which they come. */
class Side {
  readonly problems = new Map<string, Counted[]>();
  readonly #costs = new Map<string, CostTally>();

  constructor(samples: Iterable<JudgedSample>) {
    let strategy: string | null = null;
    for (const sample of samples) {
      strategy ??= sample.strategy;
      if (sample.strategy !== strategy) {
        throw new FaultlineError('usage', `an experiment holds samples of several strategies: ${strategy}, ${sample.strategy}`, {
          hint: 'Compare experiments of one strategy each.',
        });
      }
      const outcome = outcomeOf(sample.outcome);
      if (outcome === null) {
        throw new FaultlineError('input', `the outcome ${sample.outcome} is not known to this version`, { hint: 'Update faultline.' });
      }
      const of = this.problems.get(sample.taskId) ?? [];
      this.problems.set(sample.taskId, of);
      if (outcome === 'infra') continue;
      const costs = this.#costs.get(sample.taskId) ?? new CostTally();
      this.#costs.set(sample.taskId, costs);
      costs.add(sample);
      const { sampleIndex: index, categoryCode: code, categoryName: category, completion } = sample;
      of.push({ index, outcome, code, category, completion });
    }
  }

  samples(task: string): readonly Counted[] {
    return this.problems.get(task) ?? [];
  }

  counted(task: string): number {
    return this.samples(task).length;
  }

  costs(tasks: readonly string[]): Costs {
    const all = tasks.map((task) => (this.#costs.get(task) ?? new CostTally()).costs());
    const total = (of: (costs: Costs) => number): number => sum(all.map(of));
    return {
      tokens: total(({ tokens }) => tokens),
      executions: total(({ executions }) => executions),
      cpuSeconds: total(({ cpuSeconds }) => cpuSeconds),
      wallSeconds: total(({ wallSeconds }) => wallSeconds),
    };
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
      if (sample.completion === other.completion) counts.sameText++;
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

function adjusted(rows: readonly Omit<RateRow, 'adjustedP'>[]): RateRow[] {
  const all = benjaminiHochberg(rows.map(({ difference: { p } }) => p));
  return rows.map((row, index) => ({ ...row, adjustedP: all[index]! }));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
