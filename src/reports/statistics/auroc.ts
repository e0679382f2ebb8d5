/**
 * How well a number tells one class from the other: the probability that a positive has a larger one than a negative, ties counting
 * half. That is the area under the ROC curve and Mann and Whitney's U / (positives x negatives).
 *
 * Pooled, it also sees that problems differ: a measure that only says how hard the problem is predicts passing well and says nothing
 * of a sample. Within problems, positives meet negatives of their own problem alone. Both are reported.
 *
 * Sources: H. B. Mann and D. R. Whitney, Ann. Math. Stat. 18 (1947); J. A. Hanley and B. J. McNeil, Radiology 143 (1982); intervals
 * by bootstrap over problems (`bootstrap.ts`), as pairs that share a problem are not independent.
 */
import type { Bootstrap, ClusterStatistic, Estimate } from './bootstrap.js';
import { sum } from './sum.js';

/** One value for each sample, of three arrays in the same order. */
export interface Scored {
  /** Finite numbers. */
  readonly scores: ArrayLike<number>;
  /** Whether the sample is of the class that is to be told. */
  readonly positive: ArrayLike<boolean | number>;
}

export interface ScoredProblems extends Scored {
  /** Number of each sample's problem, from 0 to the bootstrap's size - 1. */
  readonly problems: ArrayLike<number>;
}

export interface Auroc {
  /** Over all pairs of a positive and a negative. Null where there is none. */
  readonly pooled: Estimate;
  /** The mean, over problems that have both classes, of each problem's own; every such problem counts once. Null where there is none. */
  readonly within: Estimate;
  /** Problems that have both classes. */
  readonly mixedProblems: number;
  /** Each problem's own; null where it has not both classes. */
  readonly byProblem: readonly (number | null)[];
}

/**
 * The area without an interval: 0.5 is no better than chance, 0 always the wrong way round. Null where either class is empty.
 * @throws RangeError where lengths differ or a score is not finite
 */
export function auroc({ scores, positive }: Scored): number | null {
  return new Pairs({ scores, positive, problems: new Uint8Array(scores.length) }, 1).within(0);
}

/**
 * The pooled and the within-problem area with intervals by bootstrap over problems. Time: samples (sorted, where they are not by ascending
 * score), positives x problems, and resamples x problems with positives x problems / 2; memory: problems x problems x 16 bytes.
 * @throws RangeError where lengths differ, a score is not finite, or a problem's number is out of range
 */
export function aurocByProblem(bootstrap: Bootstrap, samples: ScoredProblems): Auroc {
  checkProblems(bootstrap, samples);
  const pairs = new Pairs(samples, bootstrap.size);
  const own = Array.from({ length: bootstrap.size }, (_, problem) => pairs.within(problem));
  return { pooled: bootstrap.statistic(pairs.pooled(), pairs.pooledWithout()), ...withinOf(bootstrap, own) };
}

/**
 * The same areas, but the pooled one has no interval: what nearly all of the time of `aurocByProblem` goes into. Time: samples, sorted where they are
 * not by ascending score, and resamples x problems.
 * @throws RangeError as `aurocByProblem`
 */
export function aurocWithin(bootstrap: Bootstrap, samples: ScoredProblems): Auroc {
  checkProblems(bootstrap, samples);
  const { scores, positive, problems } = samples;
  const order = byScore(samples);
  const positives = new Float64Array(bootstrap.size);
  const negatives = new Float64Array(bootstrap.size);
  const wins = new Float64Array(bootstrap.size);
  /** What a positive wins so far: against its own problem, and against all. */
  const won = new Float64Array(bootstrap.size);
  let [wonOfAll, winsOverAll] = [0, 0];
  for (let from = 0, to = 0; from < order.length; from = to) {
    const score = scores[order[from]!]!;
    const meet = (at: number): void => {
      won[problems[order[at]!]!]! += 0.5;
      wonOfAll += 0.5;
    };
    for (to = from; to < order.length && scores[order[to]!] === score; to++) if (!positive[order[to]!]) meet(to);
    for (let at = from; at < to; at++) {
      const problem = problems[order[at]!]!;
      if (!positive[order[at]!]) negatives[problem]!++;
      else {
        positives[problem]!++;
        wins[problem]! += won[problem]!;
        winsOverAll += wonOfAll;
      }
    }
    for (let at = from; at < to; at++) if (!positive[order[at]!]) meet(at);
  }
  const own = Array.from(wins, (each, problem) => area(each, positives[problem]!, negatives[problem]!));
  const pooled = area(winsOverAll, sum(positives), sum(negatives));
  return { pooled: { value: pooled, low: null, high: null, method: 'none' }, ...withinOf(bootstrap, own) };
}

function checkProblems({ size }: Bootstrap, { scores, problems }: ScoredProblems): void {
  if (problems.length !== scores.length) throw new RangeError(`${scores.length} scores and ${problems.length} numbers of problems`);
  for (let i = 0; i < problems.length; i++) {
    const problem = problems[i]!;
    if (!Number.isInteger(problem) || problem < 0 || problem >= size) {
      throw new RangeError(`a problem's number from 0 to ${size - 1}, not ${problem}`);
    }
  }
}

/** The mean over problems of each one's own area. */
function withinOf(bootstrap: Bootstrap, own: readonly (number | null)[]): Omit<Auroc, 'pooled'> {
  return {
    within: bootstrap.ratio(
      own.map((each) => each ?? 0),
      own.map((each) => (each === null ? 0 : 1)),
    ),
    mixedProblems: own.filter((each) => each !== null).length,
    byProblem: own,
  };
}

/** Samples by ascending score: as they stand, where they stand so. */
function byScore({ scores, positive }: Scored): Int32Array {
  if (scores.length !== positive.length) throw new RangeError(`${scores.length} scores and ${positive.length} classes`);
  const order = new Int32Array(scores.length);
  let isAscending = true;
  for (let i = 0; i < order.length; i++) {
    if (!Number.isFinite(scores[i])) throw new RangeError(`a finite score, not ${scores[i]!}`);
    order[i] = i;
    isAscending &&= i === 0 || scores[i - 1]! <= scores[i]!;
  }
  return isAscending ? order : order.sort((a, b) => scores[a]! - scores[b]!);
}

/**
 * What each problem's positives win against each problem's negatives, a tie counting half. That does not depend on how often a problem is
 * drawn, so that it is counted once. All numbers here are multiples of a half below 2^53: sums are exact in whatever order.
 */
class Pairs {
  readonly #positives: Float64Array;
  readonly #negatives: Float64Array;
  /** [problem of the positives, problem of the negatives]. */
  readonly #wins: Float64Array;

  constructor(
    samples: ScoredProblems,
    private readonly size: number,
  ) {
    const { scores, positive, problems } = samples;
    const order = byScore(samples);
    this.#positives = new Float64Array(size);
    this.#negatives = new Float64Array(size);
    this.#wins = new Float64Array(size * size);
    /** What a positive wins against each problem: its negatives with a smaller score, and half of those with the same. */
    const won = new Float64Array(size);
    for (let from = 0, to = 0; from < order.length; from = to) {
      const score = scores[order[from]!]!;
      for (to = from; to < order.length && scores[order[to]!] === score; to++) {
        const problem = problems[order[to]!]!;
        if (positive[order[to]!]) this.#positives[problem]!++;
        else {
          this.#negatives[problem]!++;
          won[problem]! += 0.5;
        }
      }
      for (let at = from; at < to; at++) if (positive[order[at]!]) this.#addWins(problems[order[at]!]!, won);
      for (let at = from; at < to; at++) if (!positive[order[at]!]) won[problems[order[at]!]!]! += 0.5;
    }
  }

  /** The area of one problem's own pairs; null where it has none. */
  within(problem: number): number | null {
    return area(this.#wins[problem * this.size + problem]!, this.#positives[problem]!, this.#negatives[problem]!);
  }

  /** The pooled area as a function of how often each problem was drawn. */
  pooled(): ClusterStatistic {
    // What two problems win against each other is asked for together, and problems without positives win nothing.
    const winners = [...this.#positives.keys()].filter((problem) => this.#positives[problem]! > 0);
    const others = [...this.#positives.keys()].filter((problem) => this.#positives[problem] === 0 && this.#negatives[problem]! > 0);
    const members = Int32Array.from([...winners, ...others]);
    const length = members.length;
    const mutual = new Float64Array(winners.length * length);
    for (let c = 0; c < winners.length; c++) {
      for (let d = c; d < length; d++) mutual[c * length + d] = this.#mutual(members[c]!, members[d]!);
    }
    const draw: Draw = { places: new Int32Array(length), weights: new Float64Array(length), count: 0 };
    return (weights) => {
      let [wins, allPositives, allNegatives] = [0, 0, 0];
      draw.count = 0;
      for (let place = 0; place < length; place++) {
        const problem = members[place]!;
        const weight = weights[problem]!;
        if (weight === 0) continue;
        draw.places[draw.count] = place;
        draw.weights[draw.count++] = weight;
        allPositives += weight * this.#positives[problem]!;
        allNegatives += weight * this.#negatives[problem]!;
      }
      // Problems without positives stand behind the winners, and have no row.
      let rows = draw.count;
      while (rows > 0 && draw.places[rows - 1]! >= winners.length) rows--;
      let at = 0;
      for (; at + 3 < rows; at += 4) wins += winsOfFour(mutual, length, draw, at);
      for (; at < rows; at++) wins += winsOf(mutual, length, draw, at);
      return area(wins, allPositives, allNegatives);
    };
  }

  /** The pooled area of all problems but one. */
  pooledWithout(): (problem: number) => number | null {
    const { size } = this;
    let [wins, positives, negatives] = [0, 0, 0];
    /** Of all that is won, what a problem has a part in. */
    const parts = new Float64Array(size);
    for (let c = 0; c < size; c++) {
      positives += this.#positives[c]!;
      negatives += this.#negatives[c]!;
      for (let d = 0; d < size; d++) {
        const won = this.#wins[c * size + d]!;
        wins += won;
        parts[c]! += won;
        if (d !== c) parts[d]! += won;
      }
    }
    return (problem) => area(wins - parts[problem]!, positives - this.#positives[problem]!, negatives - this.#negatives[problem]!);
  }

  #addWins(problem: number, won: Float64Array): void {
    const start = problem * this.size;
    for (let d = 0; d < won.length; d++) this.#wins[start + d]! += won[d]!;
  }

  #mutual(c: number, d: number): number {
    const { size } = this;
    return c === d ? this.#wins[c * size + c]! : this.#wins[c * size + d]! + this.#wins[d * size + c]!;
  }
}

function area(wins: number, positives: number, negatives: number): number | null {
  return positives === 0 || negatives === 0 ? null : wins / (positives * negatives);
}

/** The problems that were drawn, by their ascending places in a matrix, and how often. The arrays are reused; `count` of them count. */
interface Draw {
  readonly places: Int32Array;
  readonly weights: Float64Array;
  count: number;
}

/** What the problem at `at` of a draw wins against itself and those behind it, which have `length` columns in `mutual`. */
function winsOf(mutual: Float64Array, length: number, { places, weights, count }: Draw, at: number): number {
  const row = places[at]! * length;
  let sum = 0;
  for (let i = at; i < count; i++) sum += weights[i]! * mutual[row + places[i]!]!;
  return weights[at]! * sum;
}

/**
 * The same of four problems from `at` on. Nearly all time of a report goes by here: four rows share what is loaded of the draw, and no sum waits
 * for another, in half the time of row by row. Left of its own column a row holds zeros.
 */
function winsOfFour(mutual: Float64Array, length: number, { places, weights, count }: Draw, at: number): number {
  const [rowA, rowB, rowC, rowD] = [places[at]! * length, places[at + 1]! * length, places[at + 2]! * length, places[at + 3]! * length];
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = at; i < count; i++) {
    const weight = weights[i]!;
    const column = places[i]!;
    a += weight * mutual[rowA + column]!;
    b += weight * mutual[rowB + column]!;
    c += weight * mutual[rowC + column]!;
    d += weight * mutual[rowD + column]!;
  }
  return weights[at]! * a + weights[at + 1]! * b + weights[at + 2]! * c + weights[at + 3]! * d;
}
