/**
 * Samples that say nothing because of their problem: its prompt or test is at fault (it does not compile, fails
 * or waits by itself, or calls nothing), or cannot be run by values alone. Gathers them by problem; says nothing to anybody.
 *
 * Such a fault shows only where a program comes as far as that. The others of that problem, which do not compile or crash while
 * loading, have a verdict of their own, and with it alone would count as failures of a problem that nobody can pass. So one such sample
 * takes all of its problem with it.
 */
import type { JudgedSample } from '../store/types.js';

/** The samples of one problem that could not be judged. */
export interface Unjudged {
  readonly taskId: string;
  readonly samples: number;
  /** Why, as the first of them was told. */
  readonly reason: string;
}

/** Counts by problem, in the order in which the problems are first seen. */
export function gatherUnjudged(samples: Iterable<{ readonly taskId: string; readonly reason: string }>): Unjudged[] {
  const found = new Map<string, { taskId: string; samples: number; reason: string }>();
  for (const { taskId, reason } of samples) {
    const known = found.get(taskId);
    if (known === undefined) found.set(taskId, { taskId, samples: 1, reason });
    else known.samples++;
  }
  return [...found.values()];
}

/** By task: its first sample whose verdict says that the problem itself is at fault. Problems without are absent. */
export function faultyProblems(judged: Iterable<JudgedSample>): Map<string, JudgedSample> {
  const faults = new Map<string, JudgedSample>();
  for (const sample of judged) {
    if (sample.verdict.outcome.status === 'infra' && !faults.has(sample.taskId)) faults.set(sample.taskId, sample);
  }
  return faults;
}

/** The samples of an experiment that are in no rate, by problem. */
export interface LeftOut {
  /** Samples that could not be judged because their problem itself is at fault: stored, and in no rate. */
  readonly unjudged: readonly Unjudged[];
  /** Samples of problems that cannot be judged: stored, not executed, and in no rate. */
  readonly unsupported: readonly Unjudged[];
}

/** @param judged those of outcome `infra` */
export function leftOut(judged: Iterable<JudgedSample>): LeftOut {
  const samples = [...judged];
  const faults = faultyProblems(samples);
  const ofStatus = (status: 'infra' | 'unsupported'): Unjudged[] =>
    gatherUnjudged(
      samples.flatMap(({ taskId, verdict }) => {
        const { outcome } = faults.get(taskId)?.verdict ?? verdict;
        return outcome.status === status ? [{ taskId, reason: outcome.reason }] : [];
      }),
    );
  return { unjudged: ofStatus('infra'), unsupported: ofStatus('unsupported') };
}
