/** The trackers of a run: the default, and those that the config switches on. A new tracker is one file beside this one and one line here. */
import type { ConfigValues } from '../../config/schema.js';
import type { ReportData } from '../../reports/report-data.js';
import { JsonlTracker } from './jsonl.js';
import type { TrackedEvent, Tracker, TrackerContext } from './tracker.js';
import { loadWandb, WandbTracker } from './wandb.js';

/** Looks for what the config asks for, so that what is missing is said before anything is loaded; the result begins the trackers. */
export async function findTrackers(values: ConfigValues): Promise<(context: TrackerContext) => Promise<Tracker>> {
  const wandb = values['tracking.use_wandb'] ? await loadWandb() : null;
  return async (context) => {
    const trackers: Tracker[] = [new JsonlTracker(context)];
    if (wandb !== null) trackers.push(await WandbTracker.open(wandb, context));
    return together(trackers);
  };
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

function together(trackers: readonly Tracker[]): Tracker {
  return {
    record(event: TrackedEvent) {
      for (const tracker of trackers) tracker.record(event);
    },
    async close(ok) {
      for (const tracker of trackers) await tracker.close(ok);
    },
  };
}
