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
}

/**
 * The area without an interval: 0.5 is no better than chance, 0 always the wrong way round. Null where either class is empty.
 * @throws RangeError where lengths differ or a score is not finite
 */
export function auroc({ scores, positive }: Scored): number | null {
  return pooledArea({ scores, positive, problems: new Uint8Array(scores.length) }, 1)(new Uint16Array([1]));
}

/**
 * The pooled and the within-problem area with intervals by bootstrap over problems. Time: resamples x problems with positives x problems;
 * memory: problems x problems x 8 bytes.
 * @throws RangeError where lengths differ, a score is not finite, or a problem's number is out of range
 */
export function aurocByProblem(bootstrap: Bootstrap, { scores, positive, problems }: ScoredProblems): Auroc {
  if (problems.length !== scores.length) throw new RangeError(`${scores.length} scores and ${problems.length} numbers of problems`);
  for (let i = 0; i < problems.length; i++) {
    const problem = problems[i]!;
    if (!Number.isInteger(problem) || problem < 0 || problem >= bootstrap.size) {
      throw new RangeError(`a problem's number from 0 to ${bootstrap.size - 1}, not ${problem}`);
    }
  }
  const pooled = bootstrap.statistic(pooledArea({ scores, positive, problems }, bootstrap.size));
  const members = Array.from({ length: bootstrap.size }, (): number[] => []);
  for (let i = 0; i < problems.length; i++) members[problems[i]!]!.push(i);
  const own = members.map((samples) => auroc({ scores: samples.map((i) => scores[i]!), positive: samples.map((i) => positive[i]!) }));
  return {
    pooled,
    within: bootstrap.ratio(
      own.map((area) => area ?? 0),
      own.map((area) => (area === null ? 0 : 1)),
    ),
    mixedProblems: own.filter((area) => area !== null).length,
  };
}

/** Samples by ascending score; of equal scores the negatives first. */
function byScore({ scores, positive }: Scored): number[] {
  if (scores.length !== positive.length) throw new RangeError(`${scores.length} scores and ${positive.length} classes`);
  const order = Array.from({ length: scores.length }, (_, i) => i);
  for (const i of order) if (!Number.isFinite(scores[i])) throw new RangeError(`a finite score, not ${scores[i]!}`);
  return order.sort((a, b) => scores[a]! - scores[b]! || Number(positive[a]!) - Number(positive[b]!));
}

/**
 * The pooled area as a function of how often each problem was drawn. What problem c's positives win against problem d's
 * negatives does not depend on the draw, so that it is counted once.
 */
function pooledArea(samples: ScoredProblems, size: number): ClusterStatistic {
  const { scores, positive, problems } = samples;
  const positives = new Float64Array(size);
  const negatives = new Float64Array(size);
  for (let i = 0; i < scores.length; i++) (positive[i] ? positives : negatives)[problems[i]!]!++;
  const winners = Array.from(positives.keys()).filter((problem) => positives[problem]! > 0);
  const rowOf = new Map(winners.map((problem) => [problem, new Float64Array(size)]));

  const order = byScore(samples);
  /** Negatives of each problem with a smaller score, and those with the same score. */
  const below = new Float64Array(size);
  const tied = new Float64Array(size);
  for (const [place, sample] of order.entries()) {
    if (place > 0 && scores[sample] !== scores[order[place - 1]!]) {
      for (let d = 0; d < size; d++) below[d]! += tied[d]!;
      tied.fill(0);
    }
    if (!positive[sample]) {
      tied[problems[sample]!]!++;
      continue;
    }
    const row = rowOf.get(problems[sample]!)!;
    for (let d = 0; d < size; d++) row[d]! += below[d]! + tied[d]! / 2;
  }

  const drawn = new Float64Array(size);
  return (weights) => {
    drawn.set(weights);
    let [wins, allPositives, allNegatives] = [0, 0, 0];
    for (let d = 0; d < size; d++) allNegatives += drawn[d]! * negatives[d]!;
    for (const [problem, row] of rowOf) {
      const weight = drawn[problem]!;
      if (weight === 0) continue;
      wins += weight * dot(drawn, row);
      allPositives += weight * positives[problem]!;
    }
    return allPositives === 0 || allNegatives === 0 ? null : wins / (allPositives * allNegatives);
  };
}

/**
 * The sum of products of two arrays of one length. In four sums, as one would wait for each addition before the next; all terms here are
 * multiples of a half, so that their order changes no bit.
 */
function dot(a: Float64Array, b: Float64Array): number {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let i = 0;
  for (const last = a.length - 3; i < last; i += 4) {
    first += a[i]! * b[i]!;
    second += a[i + 1]! * b[i + 1]!;
    third += a[i + 2]! * b[i + 2]!;
    fourth += a[i + 3]! * b[i + 3]!;
  }
  for (; i < a.length; i++) first += a[i]! * b[i]!;
  return first + second + third + fourth;
}
