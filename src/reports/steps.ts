/**
 * Long computations in steps, so that whoever drives them may do something else in between: let a signal come, for instance. Knows no event loop.
 */

/** Yields between two steps, none of which is longer than a sample or an interval takes; returns the result. */
export type Steps<T> = Generator<void, T, void>;

/** All steps in one go. */
export function finish<T>(steps: Steps<T>): T {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
  }
}
