/**
 * Everything that `faultline analyze` says of an experiment: the report's numbers, and beside them what goes further than a report does.
 * Pure; each part is a file of its own.
 */
import type { AssertionMarks } from '../../store/types.js';
import type { Analyses, Intervals, ReportData } from '../report-data.js';
import { Bootstrap, type BootstrapOptions } from '../statistics/bootstrap.js';
import { finish, type Steps } from '../steps.js';
import { warningsOf } from '../warnings.js';
import type { BySetting } from './by-setting.js';
import { coOccurrence } from './co-occurrence.js';
import { distributionSteps, temperatureOf } from './distribution.js';
import { positionSteps } from './failure-position.js';
import type { FirstDivergence } from './first-divergence.js';
import { hiddenAssertions } from './hidden-assertions.js';
import { programShares } from './programs.js';
import type { AnalysisRows } from './rows.js';

export interface Analysis extends Analyses {
  /** The numbers alone: without the analyses, which stand beside it; with the warnings of both. */
  readonly report: ReportData;
  /** The experiment beside others; absent where it was looked at alone. */
  readonly bySetting?: BySetting;
}

export interface AnalysisParts {
  /** Of the same samples as the report; all of them went by. */
  readonly rows: AnalysisRows;
  readonly marks: readonly AssertionMarks[];
  readonly firstDivergence: FirstDivergence;
}

/** Resamples for the intervals of positions: each goes through all failures, so that a report takes fewer than elsewhere. */
const POSITION_RESAMPLES = 999;

/** How intervals of positions, and of what stands beside them, are made: as the report's, from fewer resamples. */
export function positionBootstrap({ resamples, seed, confidence }: Intervals): Required<BootstrapOptions> {
  return { resamples: Math.min(resamples, POSITION_RESAMPLES), seed: BigInt(seed), confidence };
}

/** Intervals are made as the report's, from the same resamples; those of positions from fewer. */
export function analyse(report: ReportData, parts: AnalysisParts): Analysis {
  return finish(analysisSteps(report, parts));
}

/** The same in steps, one a part. */
export function* analysisSteps(report: ReportData, { rows: { rows, problems }, marks, firstDivergence }: AnalysisParts): Steps<Analysis> {
  const { resamples, seed, confidence } = report.intervals;
  const bootstrap = new Bootstrap(problems.length, { resamples, seed: BigInt(seed), confidence });
  const taskIds = problems.map(({ taskId }) => taskId);
  const temperature = temperatureOf((key) => report.experiment.config.find((entry) => entry.key === key)?.value ?? null);
  const hidden = hiddenAssertions(rows, taskIds, marks, bootstrap);
  yield;
  const programs = programShares(rows, bootstrap);
  yield;
  const tables = yield* distributionSteps(rows, problems, { temperature }, bootstrap);
  const pairs = coOccurrence(rows);
  yield;
  const few = positionBootstrap(report.intervals);
  const positions = yield* positionSteps(rows, new Bootstrap(problems.length, few));
  const analyses: Analyses = {
    hiddenAssertions: hidden,
    programs,
    distributions: tables,
    coOccurrence: pairs,
    failurePosition: positions,
    firstDivergence,
    positionResamples: few.resamples,
  };
  // Again, as there are more claims now.
  return { report: { ...report, warnings: warningsOf({ ...report, analyses }) }, ...analyses };
}
