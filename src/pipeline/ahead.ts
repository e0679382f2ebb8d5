/** What is known of an experiment before a run begins: what estimates go by. Types alone. */
import type { Store } from '../store/store.js';

/** A problem with its solution, which stands in for samples that are not drawn yet. */
export interface ReferenceProgram {
  readonly taskId: string;
  readonly prompt: string;
  readonly entryPoint: string;
  readonly canonicalSolution: string;
  readonly test: string;
  readonly furtherTest?: string | null;
  readonly unsupported?: string | null;
}

export interface Ahead {
  readonly store: Store;
  /** Null where it is yet to be begun. */
  readonly experimentId: number | null;
  readonly problems: readonly ReferenceProgram[];
}
