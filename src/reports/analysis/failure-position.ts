/**
 * Where along the program samples fail: the failing line over the lines of the completion, 1 for the last one. Pure. Wrong answers have no
 * failing line, nor have limits and signals; a program of one line fails nowhere else, so that it is counted apart.
 */
import type { Bootstrap } from '../statistics/bootstrap.js';
import { finish, type Steps } from '../steps.js';
import { failuresByCategory, type AnalysisRow, type CategoryKey } from './rows.js';
import { spread, type Placed, type Spread } from './spread.js';

export interface FailurePosition extends PositionCounts {
  readonly failures: number;
  /** Those with a position among the failures, by code; categories without any are absent. */
  readonly categories: readonly (CategoryKey & PositionCounts)[];
}

export interface PositionCounts {
  /** Above 0, at most 1. */
  readonly position: Spread;
  /** Failures that have none: no failing line is known, it is one of the prompt, or the only one of the completion. */
  readonly withoutLine: number;
  readonly inPrompt: number;
  readonly oneLine: number;
}

/** @param bootstrap over the rows' problems, by their numbers */
export function failurePosition(rows: readonly AnalysisRow[], bootstrap: Bootstrap): FailurePosition {
  return finish(positionSteps(rows, bootstrap));
}

/** The same in steps, one a category. */
export function* positionSteps(rows: readonly AnalysisRow[], bootstrap: Bootstrap): Steps<FailurePosition> {
  const byCategory = failuresByCategory(rows);
  const failures = byCategory.flatMap(({ rows: own }) => own);
  const all = countsOf(failures, bootstrap);
  yield;
  const categories: (CategoryKey & PositionCounts)[] = [];
  for (const { code, name, rows: own } of byCategory) {
    const counts = countsOf(own, bootstrap);
    if (counts.position.count > 0) categories.push({ code, name, ...counts });
    yield;
  }
  return { failures: failures.length, ...all, categories };
}

function countsOf(rows: readonly AnalysisRow[], bootstrap: Bootstrap): PositionCounts {
  const positions: Placed[] = [];
  const without = { withoutLine: 0, inPrompt: 0, oneLine: 0 };
  for (const { failingLine, lines, problem } of rows) {
    if (failingLine === null) without.withoutLine++;
    else if (failingLine < 1) without.inPrompt++;
    else if (lines <= 1) without.oneLine++;
    // A parser that meets the text's end complains about a line behind the last written one.
    else positions.push({ position: Math.min(failingLine, lines) / lines, problem });
  }
  return { position: spread(positions, 'below', bootstrap), ...without };
}
