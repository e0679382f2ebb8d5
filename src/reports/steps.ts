/**
 * Long computations in steps, so that whoever drives them may do something else in between: let a signal come, for instance. Knows no event loop.
 */

/** How far a part of many steps is, for whoever waits. */
export interface StepProgress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
}

/** Yields between two steps, none of which is longer than a sample or an interval takes, now and then how far it is; returns the result. */
export type Steps<T> = Generator<StepProgress | undefined, T, void>;

/** Told of each step. */
export type OnStep = (progress: StepProgress | undefined) => void;

/** All steps in one go. */
export function finish<T>(steps: Steps<T>, onStep: OnStep = () => undefined): T {
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
    onStep(next.value);
  }
}
