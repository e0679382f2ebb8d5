/**
 * Shares over samples beside shares over distinct programs: a model that repeats itself is counted once for each text in the latter. Equal
 * completions of one problem are one program. Pure.
 */
import { OUTCOME_ORDER, type CountedOutcome } from '../outcomes.js';
import type { Bootstrap, Estimate } from '../statistics/bootstrap.js';
import { failuresByCategory, perProblem, type AnalysisRow, type CategoryKey } from './rows.js';

export interface ProgramShares {
  readonly samples: number;
  readonly programs: number;
  /** Programs over samples: 1 where no two are equal. */
  readonly distinct: Estimate;
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
  const all = countsOf(rows, bootstrap.size);
  const failures = countsOf(rows.filter(({ outcome }) => outcome !== 'pass'), bootstrap.size); // prettier-ignore
  const shares = (own: readonly AnalysisRow[], whole: Counts): TwoShares => {
    const counts = countsOf(own, bootstrap.size);
    return {
      samples: own.length,
      ofSamples: bootstrap.ratio(counts.samples, whole.samples),
      programs: sum(counts.programs),
      ofPrograms: bootstrap.ratio(counts.programs, whole.programs),
    };
  };
  return {
    samples: rows.length,
    programs: sum(all.programs),
    distinct: bootstrap.ratio(all.programs, all.samples),
    outcomes: OUTCOME_ORDER.map((outcome) => ({ outcome, ...shares(rows.filter((row) => row.outcome === outcome), all) })), // prettier-ignore
    categories: failuresByCategory(rows).map(({ code, name, rows: own }) => ({ code, name, ...shares(own, failures) })),
  };
}

/** By problem. */
interface Counts {
  readonly samples: Float64Array;
  readonly programs: Float64Array;
}

function countsOf(rows: readonly AnalysisRow[], problems: number): Counts {
  const seen = new Set<number>();
  const isFirst = ({ program }: AnalysisRow): boolean => {
    if (seen.has(program)) return false;
    seen.add(program);
    return true;
  };
  return { samples: perProblem(rows, problems), programs: perProblem(rows, problems, isFirst) };
}

function sum(counts: Float64Array): number {
  return counts.reduce((total, count) => total + count, 0);
}
