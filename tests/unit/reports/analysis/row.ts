/** Rows for the tests of analyses: everything is ordinary but what a test says. Holds no test. */
import type { AnalysisRow } from '../../../../src/reports/analysis/rows.js';

let programs = 0;

/** A failing sample of problem 0 with a program of its own. */
export function row(fields: Partial<AnalysisRow> = {}): AnalysisRow {
  return {
    problem: 0,
    program: programs++,
    strategy: 'nucleus',
    outcome: 'crash',
    categoryCode: '4.1',
    categoryName: 'crash.name_error',
    tags: [],
    generationCode: null,
    tokens: 20,
    characters: 80,
    lines: 4,
    failingLine: 2,
    drawSeconds: 0.5,
    cpuSeconds: 0.25,
    wallSeconds: 0.5,
    split: null,
    ...fields,
  };
}

export function pass(fields: Partial<AnalysisRow> = {}): AnalysisRow {
  return row({ outcome: 'pass', categoryCode: null, categoryName: null, failingLine: null, ...fields });
}
