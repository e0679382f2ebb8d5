/**
 * Samples in, verdicts and categories out: the execution stage, over any source of samples. Stores nothing; whoever
 * calls it gets each decision as it is made.
 *
 * Equal programs of one problem are executed once: seed, limits and environment are the same for all samples of a run, and the
 * sandbox's random numbers depend on nothing else. They share the verdict, measured times included; the decision is made for
 * each sample, as it also depends on how generation ended.
 */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { ExecutionJob, Executor } from '../sandbox/executor.js';
import { unmeasuredVerdict, type Verdict } from '../sandbox/verdict.js';
import { classify } from '../taxonomy/classify.js';
import { verdictOfFailedGeneration } from '../taxonomy/failed-generation.js';
import type { TokenSpan } from '../taxonomy/token-span.js';
import type { ByteRange, Category } from '../taxonomy/types.js';
import type { CategoryView, StoredDecision } from './category-view.js';
import { FragilityProbe, type Reference } from './fragility.js';
import { withOneEdit } from './one-edit.js';
import { Recent } from './recent.js';

/** What the sandbox and the taxonomy need to know of a sample. */
export interface Executable extends Reference {
  readonly sampleIndex: number;
  readonly prompt: string;
  readonly entryPoint: string;
  readonly test: string;
  readonly completion: string;
  /** Empty where it is not known. `error` means that there is no program. */
  readonly finishReason: string;
  /** Why there is no program; null otherwise. */
  readonly error: string | null;
  /** Why samples of this problem cannot be judged; null otherwise. */
  readonly unsupported: string | null;
}

/** A decision with what its place and its category mean elsewhere. */
export interface Decision extends StoredDecision {
  /** The tokens that hold the failing place; null where there is none, or no tokens. */
  readonly tokens: TokenSpan | null;
  /** The category's codes in published taxonomies, one of the config's own has those of the first leaf that it is over; null without a category. */
  readonly published: Category['published'] | null;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly decision: Decision;
}

/** Finds the tokens of a sample that hold some bytes of its completion; null where its tokens are not known. */
export type TokensOf<T> = (sample: T, range: ByteRange) => TokenSpan | null;

export interface ExecuteOptions<T> {
  readonly executor: Executor;
  readonly seed: bigint;
  readonly view: CategoryView;
  /** Whether more is tried with programs that pass. */
  readonly fragile: boolean;
  /** The verdict that a sample's program is known to have, from elsewhere than this run. */
  readonly known?: (sample: T) => Verdict | null;
  readonly tokensOf?: TokensOf<T>;
  readonly signal: AbortSignal;
}

/** Verdicts kept for later samples with the same program: a few megabytes. More than a batch of rows on its way to the store. */
const VERDICTS_MOST = 1024;
/** The job that a worker does, the one that it has been handed ahead, and one that waits: of fewer the sandbox hands none ahead. */
export const LANES_PER_WORKER = 3;
/** Samples that may wait for an equal one to be executed without keeping a lane: their texts are in memory. */
const WAITING_MOST = 256;

/**
 * Executes the programs of `source`, as many at a time as the sandbox has workers, and hands each sample's judgement on.
 * Rejects when aborted, with what the sandbox rejects with, and with what `known` and `onJudged` throw; the executions in
 * flight are then aborted, and nothing is handed on any more.
 */
export async function executeAll<T extends Executable>(
  source: AsyncIterable<T> | Iterable<T>,
  options: ExecuteOptions<T>,
  onJudged: (sample: T, judgement: Judgement) => void,
): Promise<void> {
  const { executor, view } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  // Every execution in flight listens for the abort; that is no leak, and Node need not warn of one.
  setMaxListeners(0, signal);
  const judge = judgeOf(options, signal);
  const samples = iterate(source);
  const recent = new Recent<string, Verdict>(VERDICTS_MOST);
  /** By program: what is being executed, and the samples that wait for it. */
  const running = new Map<string, { readonly verdict: Promise<Verdict>; readonly waiting: T[] }>();
  let waitingCount = 0;

  const handOn = (sample: T, verdict: Verdict): void => {
    signal.throwIfAborted();
    onJudged(sample, { verdict, decision: decide(sample, verdict, view, options.tokensOf) });
  };
  const take = async (sample: T): Promise<void> => {
    const without = withoutExecution(sample);
    if (without !== null) {
      handOn(sample, without);
      return;
    }
    const key = programKey(sample);
    const same = running.get(key);
    if (same !== undefined) {
      if (waitingCount < WAITING_MOST) {
        waitingCount++;
        same.waiting.push(sample);
      } else handOn(sample, await same.verdict);
      return;
    }
    const known = recent.get(key) ?? options.known?.(sample) ?? null;
    if (known !== null) {
      recent.set(key, known);
      handOn(sample, known);
      return;
    }
    const execution = { verdict: judge(sample), waiting: [] as T[] };
    running.set(key, execution);
    const verdict = await execution.verdict;
    running.delete(key);
    recent.set(key, verdict);
    waitingCount -= execution.waiting.length;
    for (const each of [sample, ...execution.waiting]) handOn(each, verdict);
  };
  const lane = async (): Promise<void> => {
    try {
      for (;;) {
        signal.throwIfAborted();
        const next = await samples.next();
        if (next.done === true) return;
        signal.throwIfAborted();
        await take(next.value);
      }
    } catch (thrown) {
      stop.abort(thrown);
      throw thrown;
    }
  };
  await Promise.all(Array.from({ length: executor.info.workers * LANES_PER_WORKER }, lane));
}

/** The decision about one verdict; also used to decide again without executing again. */
export function decide<T extends Pick<Executable, 'prompt' | 'completion' | 'entryPoint' | 'finishReason'>>(
  sample: T,
  verdict: Verdict,
  view: CategoryView,
  tokensOf: TokensOf<T> = () => null,
): Decision {
  const { prompt, completion, entryPoint, finishReason } = sample;
  const evidence = { verdict, prompt, completion, entryPoint, finishReason };
  const decision = view.apply(classify(evidence), evidence);
  const range = decision.place?.range ?? null;
  return {
    ...decision,
    tokens: range === null ? null : tokensOf(sample, range),
    published: view.categories.find(({ code }) => code === decision.categoryCode)?.published ?? null,
  };
}

/** Names a program within a run, in which a task means one problem. */
export function programKey({ taskId, completion }: Pick<Executable, 'taskId' | 'completion'>): string {
  return createHash('sha256')
    .update(JSON.stringify([taskId, completion]))
    .digest('base64');
}

/** The verdict of a sample that there is nothing to execute of; null for all others. */
function withoutExecution({ finishReason, error, unsupported }: Executable): Verdict | null {
  if (finishReason === 'error') return verdictOfFailedGeneration(error ?? 'generation failed');
  return unsupported === null ? null : unmeasuredVerdict({ status: 'unsupported', reason: unsupported }, 'compile');
}

/** Executes one program, and what else there is to try with it. */
function judgeOf(
  { executor, seed, fragile }: Pick<ExecuteOptions<Executable>, 'executor' | 'seed' | 'fragile'>,
  signal: AbortSignal,
): (sample: Executable) => Promise<Verdict> {
  const probe = new FragilityProbe(executor);
  const sandboxed = sandboxSeed(seed);
  return async (sample) => {
    const { taskId, sampleIndex, prompt, entryPoint, test, completion } = sample;
    const job: ExecutionJob = { taskId, sampleIndex, prompt, entryPoint, test, completion, seed: sandboxed };
    const verdict = await executor.execute({ ...job, asksHashSeed: fragile }, signal);
    if (!verdict.passed) return withOneEdit(executor, job, verdict, signal);
    if (!fragile) return verdict;
    const fragility = await probe.examine(job, verdict, sample, signal);
    return { ...verdict, measurements: { ...verdict.measurements, fragility } };
  };
}

/** The sandbox seeds Python's `random` with 32 bits; the experiment's seed has 64. */
export function sandboxSeed(seed: bigint): number {
  return Number(BigInt.asUintN(32, seed ^ (seed >> 32n)));
}

/** One iterator for all lanes: an async generator serves overlapping calls of `next` in order. */
async function* iterate<T>(source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* source;
}
