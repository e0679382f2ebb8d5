/** What a tracker is: it is told what a run does, and keeps that where people watch experiments. Decides nothing, and no result depends on it. */

/** What a run tells. The layout of the default tracker's lines is this, with `at` and `run` before it; README.md documents it. */
export type TrackedEvent =
  | {
      readonly event: 'run_start';
      readonly experiment: string;
      readonly hash: string;
      readonly version: string;
      readonly stages: readonly string[];
      /** Every config entry by its dotted key, seeds as decimal text. */
      readonly config: Readonly<Record<string, unknown>>;
    }
  | { readonly event: 'stage_start'; readonly stage: string }
  /** `done` and `skipped` in the stage's own unit. */
  | { readonly event: 'stage_end'; readonly stage: string; readonly done: number; readonly skipped: number }
  /** Of a task within a stage, every half minute and at its end; `total` null where nobody knows. */
  | { readonly event: 'progress'; readonly task: string; readonly done: number; readonly total: number | null }
  /** Shares from 0 to 1, null without a sample to take them of; where a report was made. */
  | { readonly event: 'summary'; readonly metrics: Readonly<Record<string, number | null>> }
  | { readonly event: 'run_end'; readonly samples: number; readonly verdicts: number }
  /** `kind` as in the exit codes. */
  | { readonly event: 'run_failure'; readonly kind: string; readonly message: string };

export type RunStart = Extract<TrackedEvent, { readonly event: 'run_start' }>;

export interface Tracker {
  /** Keeps one event, before it returns or in the background. Throws a FaultlineError where it cannot: the run stops and can go on later. */
  record(event: TrackedEvent): void;
  /** Waits for what is on its way. `ok`: whether the run came to its end. */
  close(ok: boolean): Promise<void>;
}

/** How a tracker begins. */
export interface TrackerContext {
  /** The experiment's folder. */
  readonly directory: string;
  readonly experiment: string;
  readonly project: string;
  readonly config: Readonly<Record<string, unknown>>;
}
