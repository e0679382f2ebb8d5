/**
 * Everything that `faultline analyze` says of an experiment: the report's numbers, and beside them what goes further than a report does.
 * Pure; each part is a file of its own.
 */
import type { AssertionMarks } from '../../store/types.js';
import type { ReportData } from '../report-data.js';
import { Bootstrap } from '../statistics/bootstrap.js';
import { coOccurrence, type CoOccurrence } from './co-occurrence.js';
import { distributions, type Distribution } from './distribution.js';
import { failurePosition, type FailurePosition } from './failure-position.js';
import type { FirstDivergence } from './first-divergence.js';
import { hiddenAssertions, type HiddenAssertions } from './hidden-assertions.js';
import { programShares, type ProgramShares } from './programs.js';
import type { AnalysisRows } from './rows.js';

export interface Analysis {
  readonly report: ReportData;
  readonly hiddenAssertions: HiddenAssertions;
  readonly programs: ProgramShares;
  /** In the order of the table of dimensions. */
  readonly distributions: readonly Distribution[];
  readonly coOccurrence: CoOccurrence;
  readonly failurePosition: FailurePosition;
  readonly firstDivergence: FirstDivergence;
}

export interface AnalysisParts {
  /** Of the same samples as the report; all of them went by. */
  readonly rows: AnalysisRows;
  readonly marks: readonly AssertionMarks[];
  readonly firstDivergence: FirstDivergence;
}

/** Intervals are made as the report's, from the same resamples. */
export function analyse(report: ReportData, { rows: { rows, problems }, marks, firstDivergence }: AnalysisParts): Analysis {
  const { resamples, seed, confidence } = report.intervals;
  const bootstrap = new Bootstrap(problems.length, { resamples, seed: BigInt(seed), confidence });
  const taskIds = problems.map(({ taskId }) => taskId);
  const temperature = report.experiment.config.find(({ key }) => key === 'strategy.temperature')?.value ?? null;
  return {
    report,
    hiddenAssertions: hiddenAssertions(rows, taskIds, marks, bootstrap),
    programs: programShares(rows, bootstrap),
    distributions: distributions(rows, problems, { temperature }, bootstrap),
    coOccurrence: coOccurrence(rows),
    failurePosition: failurePosition(rows),
    firstDivergence,
  };
}
