/**
 * Generation and execution side by side, with the store between them: a sample is stored, then read from there and executed,
 * and its verdict stored. Whatever stops one stage stops the other; what is finished by then is stored.
 */
import { FaultlineError } from '../errors.js';
import type { Executor } from '../sandbox/executor.js';
import type { Verdict } from '../sandbox/verdict.js';
import type { Store } from '../store/store.js';
import type { ExecutionRow, Experiment, PendingExecution, SampleRow } from '../store/types.js';
import { BatchWriter } from './batch-writer.js';
import type { CategoryView } from './category-view.js';
import { executeAll, type Executable, type TokensOf } from './execute.js';
import type { Progress } from './progress.js';
import { WorkQueue } from './work-queue.js';

export interface StagesOptions {
  readonly store: Store;
  readonly experiment: Experiment;
  readonly executor: Executor;
  readonly view: CategoryView;
  /** The experiment's seed. */
  readonly seed: bigint;
  /** Whether more is tried with programs that pass. */
  readonly fragile: boolean;
  readonly tokensOf: TokensOf<PendingExecution>;
  /** How many samples the experiment has in all, for progress. */
  readonly total: number;
  /** What is still to be generated. The signal is aborted from outside, or when execution fails. */
  readonly samples: (signal: AbortSignal) => AsyncIterable<SampleRow>;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/**
 * Generates `samples`, executes them and whatever the store still has without a verdict.
 * @throws FaultlineError kind `interrupted` when aborted, else what failed first
 */
export async function runStages(options: StagesOptions): Promise<void> {
  const { store, experiment, executor, view, seed, fragile, tokensOf, total, progress } = options;
  const stop = new AbortController();
  // Aborted from outside, or when either stage fails: then the other one has nothing left to work for.
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const before = store.counts(experiment.id);
  const generating = progress.task('generate', total, before.samples);
  const executing = progress.task('execute', total, before.executed);
  const queue = new WorkQueue((after) => store.pendingExecutions(experiment.id, after));

  const generate = async (): Promise<void> => {
    // A sample goes to the sandbox when it is stored, so that no verdict can be without its sample.
    const writer = new BatchWriter<SampleRow>((batch) => {
      store.addSamples(experiment.id, batch);
      queue.announce();
    });
    try {
      for await (const sample of options.samples(signal)) {
        writer.add(sample);
        generating.advance();
      }
    } finally {
      writer.flush();
      queue.close();
    }
  };
  const execute = async (): Promise<void> => {
    const writer = new BatchWriter<ExecutionRow>((batch) => {
      store.addExecutions(experiment.id, batch);
    });
    try {
      // A resumed run goes on from the verdicts that are there, and a long one from those that it no longer holds.
      const known = ({ taskId, completion }: Executable): Verdict | null => store.verdictOf(experiment.id, taskId, completion);
      await executeAll(
        queue,
        { executor, seed, view, fragile, known, tokensOf, signal },
        ({ strategy, taskId, sampleIndex }, { verdict, decision }) => {
          writer.add({ strategy, taskId, sampleIndex, verdict, ...decision });
          executing.advance();
        },
      );
    } finally {
      writer.flush();
    }
  };

  const failures: unknown[] = [];
  const guarded = async (stage: () => Promise<void>): Promise<void> => {
    try {
      await stage();
    } catch (thrown) {
      failures.push(thrown);
      stop.abort(thrown);
    }
  };
  await Promise.all([guarded(generate), guarded(execute)]);
  progress.finish();
  if (options.signal.aborted) throw interrupted(store, experiment, total, options.signal.reason);
  // What fails second usually fails because of the first.
  if (failures.length > 0) throw failures[0];
}

function interrupted(store: Store, experiment: Experiment, total: number, reason: unknown): FaultlineError {
  const { samples, executed } = store.counts(experiment.id);
  return new FaultlineError('interrupted', `stopped; ${samples} of ${total} samples and ${executed} verdicts are kept`, {
    ...(reason instanceof FaultlineError && reason.hint !== undefined ? { hint: reason.hint } : {}),
    cause: reason,
  });
}
