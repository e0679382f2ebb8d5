/** Computations in steps that leave the event loop its turns, as signals come between two of those alone. Computes nothing itself. */
import { setImmediate as turn } from 'node:timers/promises';
import type { OnStep, Steps } from '../reports/steps.js';

/** Between two turns at most, where no step takes longer. Far below what a person at Ctrl-C notices, and far above what a turn costs. */
const MILLISECONDS = 20;

/** Runs all steps. Rejects with the signal's reason between two of them when that is aborted. */
export async function inTurns<T>(steps: Steps<T>, signal: AbortSignal, onStep: OnStep = () => undefined): Promise<T> {
  let last = -Infinity;
  for (;;) {
    if (performance.now() - last >= MILLISECONDS) {
      await turn();
      signal.throwIfAborted();
      last = performance.now();
    }
    const next = steps.next();
    if (next.done === true) return next.value;
    onStep(next.value);
  }
}
