/**
 * Ctrl-C: the first one asks the work to stop and keep what is finished, the second one ends the process at once.
 * Decides nothing about what is kept; whoever holds the signal does.
 */
import { FaultlineError } from '../errors.js';

export interface Interrupt {
  /** Aborted by the first SIGINT or SIGTERM. Its reason is a FaultlineError of kind `interrupted`. */
  readonly signal: AbortSignal;
  /** Stops listening; the signals get their default meaning back. */
  release(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** The reason of an abort, of work that keeps nothing before its end. */
export function stopped(reason: unknown): FaultlineError {
  return new FaultlineError('interrupted', 'stopped; nothing has been written', {
    ...(reason instanceof FaultlineError && reason.hint !== undefined
      ? { hint: reason.hint.replace(/^Continue with/, 'Begin anew with') }
      : {}),
    cause: reason,
  });
}

/** Listens until released. `resume` is the command that continues the work, for the error's hint. */
export function listenForInterrupt(resume: string, onFirst: () => void = () => undefined): Interrupt {
  const controller = new AbortController();
  const release = (): void => {
    for (const name of SIGNALS) process.removeListener(name, handle);
  };
  const handle = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) {
      // With no listener left the signal's default action applies: it ends the process, whatever is still running.
      release();
      process.kill(process.pid, name);
      return;
    }
    onFirst();
    controller.abort(
      new FaultlineError('interrupted', 'stopped; everything finished so far is kept', { hint: `Continue with: ${resume}` }),
    );
  };
  for (const name of SIGNALS) process.on(name, handle);
  return { signal: controller.signal, release };
}
