/**
 * Samples in, verdicts and categories out: the execution stage, over any source of samples. Stores nothing; whoever
 * calls it gets each decision as it is made.
 */
import { setMaxListeners } from 'node:events';
import type { Executor } from '../sandbox/executor.js';
import type { Verdict } from '../sandbox/verdict.js';
import { classify } from '../taxonomy/classify.js';
import { verdictOfFailedGeneration } from '../taxonomy/failed-generation.js';
import type { CategoryView, StoredDecision } from './category-view.js';

/** What the sandbox and the taxonomy need to know of a sample. */
export interface Executable {
  readonly taskId: string;
  readonly sampleIndex: number;
  readonly prompt: string;
  readonly entryPoint: string;
  readonly test: string;
  readonly completion: string;
  /** Empty where it is not known. `error` means that there is no program. */
  readonly finishReason: string;
  /** Why there is no program; null otherwise. */
  readonly error: string | null;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly decision: StoredDecision;
}

/**
 * Executes every sample of `source`, as many at a time as the sandbox has workers, and hands each judgement on.
 * Rejects when aborted, with what the sandbox rejects with, and with what `onJudged` throws.
 */
export async function executeAll<T extends Executable>(
  source: AsyncIterable<T> | Iterable<T>,
  options: { readonly executor: Executor; readonly seed: bigint; readonly view: CategoryView; readonly signal: AbortSignal },
  onJudged: (sample: T, judgement: Judgement) => void,
): Promise<void> {
  const { executor, view, signal } = options;
  // Every execution in flight listens for the abort; that is no leak, and Node need not warn of one.
  setMaxListeners(0, signal);
  const seed = sandboxSeed(options.seed);
  const samples = iterate(source);
  const lane = async (): Promise<void> => {
    for (;;) {
      signal.throwIfAborted();
      const next = await samples.next();
      if (next.done === true) return;
      const sample = next.value;
      const verdict =
        sample.finishReason === 'error'
          ? verdictOfFailedGeneration(sample.error ?? 'generation failed')
          : await executor.execute({ ...job(sample), seed }, signal);
      onJudged(sample, { verdict, decision: decide(sample, verdict, view) });
    }
  };
  // Twice as many lanes as workers: a worker that is done finds the next job waiting.
  await Promise.all(Array.from({ length: executor.info.workers * 2 }, lane));
}

/** The decision about one verdict; also used to decide again without executing again. */
export function decide(
  sample: Pick<Executable, 'prompt' | 'completion' | 'entryPoint' | 'finishReason'>,
  verdict: Verdict,
  view: CategoryView,
): StoredDecision {
  const { prompt, completion, entryPoint, finishReason } = sample;
  const evidence = { verdict, prompt, completion, entryPoint, finishReason };
  return view.apply(classify(evidence), evidence);
}

/** The sandbox seeds Python's `random` with 32 bits; the experiment's seed has 64. */
function sandboxSeed(seed: bigint): number {
  return Number(BigInt.asUintN(32, seed ^ (seed >> 32n)));
}

function job({ taskId, sampleIndex, prompt, entryPoint, test, completion }: Executable): Omit<Parameters<Executor['execute']>[0], 'seed'> {
  return { taskId, sampleIndex, prompt, entryPoint, test, completion };
}

/** One iterator for all lanes: an async generator serves overlapping calls of `next` in order. */
async function* iterate<T>(source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* source;
}
