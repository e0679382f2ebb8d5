/**
 * Where along the program samples fail: the failing line over the lines of the completion, 1 for the last one. Pure. Wrong answers have no
 * failing line, nor have limits and signals; a program of one line fails nowhere else, so that it is counted apart.
 */
import { failuresByCategory, type AnalysisRow, type CategoryKey } from './rows.js';
import { spread, type Spread } from './spread.js';

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

export function failurePosition(rows: readonly AnalysisRow[]): FailurePosition {
  const categories = failuresByCategory(rows);
  const failures = categories.flatMap(({ rows: own }) => own);
  return {
    failures: failures.length,
    ...countsOf(failures),
    categories: categories
      .map(({ code, name, rows: own }) => ({ code, name, ...countsOf(own) }))
      .filter(({ position }) => position.count > 0),
  };
}

function countsOf(rows: readonly AnalysisRow[]): PositionCounts {
  const positions: number[] = [];
  const without = { withoutLine: 0, inPrompt: 0, oneLine: 0 };
  for (const { failingLine, lines } of rows) {
    if (failingLine === null) without.withoutLine++;
    else if (failingLine < 1) without.inPrompt++;
    else if (lines <= 1) without.oneLine++;
    // A parser that meets the text's end complains about a line behind the last written one.
    else positions.push(Math.min(failingLine, lines) / lines);
  }
  return { position: spread(positions, 'below'), ...without };
}
