/** What a stage of `faultline run` is. Holds no stage: the table is `index.ts`, and each stage's work its own file. */
import type { StageEstimate } from '../estimate.js';
import type { Workbench } from '../workbench.js';

/** A row of the table. */
export interface StageRow {
  readonly name: string;
  /** What it does, for `--help`. */
  readonly summary: string;
  /** The stages whose results it reads; all stand above it in the table. */
  readonly needs: readonly string[];
  /** Its results, in the plural, for messages: `samples`. */
  readonly makes: string;
  /** How it knows what is done, and so what to skip. */
  readonly done: string;
  /** Whether it takes what it needs while that is being made. */
  readonly beside: boolean;
  /** Whether it writes into the database. */
  readonly stores: boolean;
  /** Loaded when it runs, as the parts that a stage works with take longer to load than most commands take. */
  readonly load: () => Promise<{ readonly stage: Stage }>;
}

/** What a run did of a stage. */
export interface StageResult {
  /** What this run made or changed, and what was there and is skipped, in the stage's own unit. */
  readonly done: number;
  readonly skipped: number;
  /** Both in words. */
  readonly text: string;
}

/** The work of a stage. Every method may count on those that its row needs having been called before. */
export interface Stage {
  /** How much of what it makes the database has of the bench's experiment; null for what is not kept there. */
  there(bench: Workbench): number | null;
  /** Opens what it works with and throws for what cannot work, before any stage starts. Stores nothing. */
  prepare?(bench: Workbench): Promise<void>;
  /**
   * What is left of it in time, memory and disk, from a short measurement on what `prepare` opened; null where little is left, but
   * where `asked` is true only if nothing is.
   */
  estimate(bench: Workbench, asked: boolean): Promise<StageEstimate | null>;
  /**
   * Does what is not done. What is finished is stored when this is stopped at any moment, by the signal or by kill -9, and a later
   * call goes on from there.
   */
  work(bench: Workbench, signal: AbortSignal): Promise<StageResult>;
}
