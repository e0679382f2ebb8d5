/**
 * Shares over samples beside shares over distinct programs: a model that repeats itself is counted once for each text in the latter. Equal
 * completions of one problem are one program. Pure.
 */
import { CRASHES, OUTCOME_ORDER, type CountedOutcome } from '../outcomes.js';
import type { Bootstrap, Estimate } from '../statistics/bootstrap.js';
import { failuresByCategory, perProblem, type AnalysisRow, type CategoryKey } from './rows.js';
import { sum } from '../statistics/sum.js';

export interface ProgramShares {
  readonly samples: number;
  readonly programs: number;
  /** Programs over samples: 1 where no two are equal. */
  readonly distinct: Estimate;
  /** Outcomes load and crash, over all samples and all programs. */
  readonly crash: TwoShares;
  /** Over all samples and all programs. A program with two outcomes, as one sample of it met a limit and another did not, is in both. */
  readonly outcomes: readonly (TwoShares & { readonly outcome: CountedOutcome })[];
  /** Over the failures, by code. */
  readonly categories: readonly (TwoShares & CategoryKey)[];
}

export interface TwoShares {
  readonly samples: number;
  readonly ofSamples: Estimate;
  readonly programs: number;
  readonly ofPrograms: Estimate;
}

/** @param bootstrap over the problems that the rows number */
export function programShares(rows: readonly AnalysisRow[], bootstrap: Bootstrap): ProgramShares {
  const all = programCounts(rows, bootstrap.size);
  const failures = programCounts(rows.filter(({ outcome }) => outcome !== 'pass'), bootstrap.size); // prettier-ignore
  return {
    samples: rows.length,
    programs: sum(all.programs),
    distinct: bootstrap.ratio(all.programs, all.samples),
    crash: twoShares(rows.filter(({ outcome }) => CRASHES.includes(outcome)), all, bootstrap), // prettier-ignore
    outcomes: OUTCOME_ORDER.map((outcome) => ({ outcome, ...twoShares(rows.filter((row) => row.outcome === outcome), all, bootstrap) })), // prettier-ignore
    categories: failuresByCategory(rows).map(({ code, name, rows: own }) => ({ code, name, ...twoShares(own, failures, bootstrap) })),
  };
}

/** By problem. */
export interface ProgramCounts {
  readonly samples: Float64Array;
  readonly programs: Float64Array;
}

/** @param problems how many the rows number */
export function programCounts(rows: readonly AnalysisRow[], problems: number): ProgramCounts {
  const seen = new Set<number>();
  const isFirst = ({ program }: AnalysisRow): boolean => {
    if (seen.has(program)) return false;
    seen.add(program);
    return true;
  };
  return { samples: perProblem(rows, problems), programs: perProblem(rows, problems, isFirst) };
}

/**
 * What some rows are of all.
 * @param whole of all, by the same problems
 */
export function twoShares(own: readonly AnalysisRow[], whole: ProgramCounts, bootstrap: Bootstrap): TwoShares {
  const counts = programCounts(own, bootstrap.size);
  return {
    samples: own.length,
    ofSamples: bootstrap.ratio(counts.samples, whole.samples),
    programs: sum(counts.programs),
    ofPrograms: bootstrap.ratio(counts.programs, whole.programs),
  };
}
