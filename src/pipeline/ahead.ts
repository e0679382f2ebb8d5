/** What is known of an experiment before a run begins: what estimates go by. Types alone. */
import type { Store } from '../store/store.js';
import type { ProblemRow } from '../store/types.js';

/** A problem with its solution, which stands in for samples that are not drawn yet. */
export type ReferenceProgram = Pick<
  ProblemRow,
  'taskId' | 'prompt' | 'entryPoint' | 'canonicalSolution' | 'test' | 'furtherTest' | 'unsupported'
>;

export interface Ahead {
  readonly store: Store;
  /** Null where it is yet to be begun. */
  readonly experimentId: number | null;
  readonly problems: readonly ReferenceProgram[];
}
