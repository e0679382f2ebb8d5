/**
 * Samples that have no verdict of their own because of their problem: its test is at fault (it does not compile, fails by
 * itself or calls nothing), or cannot be run by values alone. Gathers them by problem; says nothing to anybody.
 */

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
