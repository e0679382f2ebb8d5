/** Computations in steps that leave the event loop its turns, as signals come between two of those alone. Computes nothing itself. */
import { setImmediate as turn } from 'node:timers/promises';
import type { OnStep, Steps } from '../reports/steps.js';

/** Between two turns at most, where no step takes longer. Far below what a person at Ctrl-C notices, and far above what a turn costs. */
const MILLISECONDS = 20;

/**
 * What to await between two steps of a long computation: gives the event loop its turn where the last one is some time ago. Rejects with the
 * signal's reason when that is aborted.
 */
export function pauses(signal: AbortSignal): () => Promise<void> {
  let last = -Infinity;
  return async () => {
    if (performance.now() - last < MILLISECONDS) return;
    await turn();
    signal.throwIfAborted();
    last = performance.now();
  };
}

/** Runs all steps. Rejects with the signal's reason between two of them when that is aborted; the steps are then ended where they are. */
export async function inTurns<T>(steps: Steps<T>, signal: AbortSignal, onStep: OnStep = () => undefined): Promise<T> {
  const pause = pauses(signal);
  try {
    for (;;) {
      await pause();
      const next = steps.next();
      if (next.done === true) return next.value;
      onStep(next.value);
    }
  } catch (thrown) {
    // What they hold open is theirs to close, and what they have finished theirs to keep.
    steps.return(undefined as T);
    throw thrown;
  }
}
