/** The trackers of a run: the default, and those that the config switches on. A new tracker is one file beside this one and one line here. */
import type { ConfigValues } from '../../config/schema.js';
import { FaultlineError, reasonOf } from '../../errors.js';
import type { ReportData } from '../../reports/report-data.js';
import { JsonlTracker } from './jsonl.js';
import type { RunStart, TrackedEvent, Tracker, TrackerContext } from './tracker.js';
import { loadWandb, WandbTracker } from './wandb.js';

/**
 * Looks for what the config asks for, so that what is missing is said before anything is loaded; the result begins the trackers, and tells them of
 * the start. Where one of them cannot begin, those that have begun are told of the failure and closed.
 */
export async function findTrackers(values: ConfigValues): Promise<(context: TrackerContext, start: RunStart) => Promise<Tracker>> {
  const wandb = values['tracking.use_wandb'] ? await loadWandb() : null;
  return async (context, start) => {
    const begun: Tracker[] = [];
    const begin = (tracker: Tracker): void => {
      begun.push(tracker);
      tracker.record(start);
    };
    try {
      begin(new JsonlTracker(context));
      if (wandb !== null) begin(await WandbTracker.open(wandb, context));
      return together(begun);
    } catch (thrown) {
      await closeFailed(together(begun), thrown);
      throw thrown;
    }
  };
}

/** Tells a tracker that the run has failed, and closes it. Throws nothing: what stopped the run is the error to tell of, and may be the same. */
export async function closeFailed(tracker: Tracker, thrown: unknown): Promise<void> {
  try {
    tracker.record({
      event: 'run_failure',
      kind: thrown instanceof FaultlineError ? thrown.kind : 'internal',
      message: reasonOf(thrown),
    });
  } catch {
    // As above.
  }
  try {
    await tracker.close(false);
  } catch {
    // As above.
  }
}

/** The config as trackers keep it. */
export function trackedConfig(values: ConfigValues): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, typeof value === 'bigint' ? value.toString() : value]));
}

/** The numbers that an experiment is compared by. */
export function summaryMetrics({ counts, passAtK, crashRate, outcomes, feasibility }: ReportData): Record<string, number | null> {
  return {
    samples: counts.counted,
    ...Object.fromEntries(passAtK.map(({ k, estimate }) => [`pass@${k}`, estimate.value])),
    crash_rate: crashRate.value,
    outside_residual: feasibility.outsideResidual.value,
    ...Object.fromEntries(outcomes.map(({ outcome, share }) => [`outcome/${outcome}`, share.value])),
  };
}

/** Several as one: each is told and closed whatever another one does, and the first error is thrown after that. */
export function together(trackers: readonly Tracker[]): Tracker {
  return {
    record(event: TrackedEvent) {
      const failures: unknown[] = [];
      for (const tracker of trackers) {
        try {
          tracker.record(event);
        } catch (thrown) {
          failures.push(thrown);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
    async close(ok) {
      const failures: unknown[] = [];
      for (const tracker of trackers) {
        try {
          await tracker.close(ok);
        } catch (thrown) {
          failures.push(thrown);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}
