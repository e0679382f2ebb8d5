/**
 * Marks each assertion of a problem's test as one that the prompt shows, or as a hidden one. The sandbox finds it out, by trying every
 * assertion alone with the canonical solution: an assertion is *visible* where the prompt shows all of its calls, with the same arguments
 * of the same types, and what they return (`AssertionTrial.visible`, which leaf 8.10 asks too). Every other one is hidden, one that is
 * tried more than once (a loop) included, as is one after the 200th.
 */
import { setMaxListeners } from 'node:events';
import type { Executor } from '../sandbox/executor.js';
import type { Store } from '../store/store.js';
import type { AssertionMarks, ProblemRow } from '../store/types.js';
import { sandboxSeed } from './execute.js';

/** Problems of one transaction. */
const BATCH = 32;

export interface MarkOptions {
  readonly executor: Pick<Executor, 'execute'>;
  readonly seed: bigint;
  readonly signal: AbortSignal;
  /** Told of problems whose canonical solution does not pass: their tests may be at fault, where no verdict can show it. */
  readonly note: (text: string) => void;
}

const CANONICAL_FAILS = 'the canonical solution fails';
const MOST_NOTES = 5;

/** Whether the experiment has problems that nobody has looked at: an older version executed it, or it was stopped before. */
export function hasUnmarked(store: Store, experimentId: number): boolean {
  return store.assertionMarks(experimentId).length < store.counts(experimentId).problems;
}

/**
 * Marks the assertions of every problem of an experiment of which nothing is known yet. Where nothing came of it before it is tried again: that
 * may have been the limits of another experiment. Rejects as the executor does; what is stored stays.
 */
export async function markAssertions(store: Store, experimentId: number, options: MarkOptions): Promise<void> {
  const before = new Map(store.assertionMarks(experimentId).map(({ taskId, missing }) => [taskId, missing]));
  const left = store.problems(experimentId).filter(({ taskId }) => before.get(taskId) !== null);
  const signal = AbortSignal.any([options.signal]);
  // Every execution in flight listens for the abort; that is no leak, and Node need not warn of one.
  setMaxListeners(0, signal);
  const failing: AssertionMarks[] = [];
  for (let at = 0; at < left.length; at += BATCH) {
    const batch = left.slice(at, at + BATCH);
    const marks = await Promise.all(batch.map((problem) => marksOf(problem, { ...options, signal })));
    store.addAssertionMarks(experimentId, marks);
    failing.push(...marks.filter(({ taskId, missing }) => missing?.startsWith(CANONICAL_FAILS) === true && missing !== before.get(taskId)));
  }
  for (const { taskId, missing } of failing.slice(0, MOST_NOTES)) {
    options.note(`${taskId}: ${missing!}; unless that is meant, its test is at fault, and so are its failures`);
  }
  if (failing.length > MOST_NOTES) options.note(`and those of ${failing.length - MOST_NOTES} more problems`);
}

/** The marks of one problem; where its canonical solution cannot tell, why. */
export async function marksOf(
  problem: Omit<ProblemRow, 'position'>,
  { executor, seed, signal }: Omit<MarkOptions, 'note'>,
): Promise<AssertionMarks> {
  const { taskId, prompt, entryPoint, test, canonicalSolution, unsupported } = problem;
  const unknown = (missing: string): AssertionMarks => ({ taskId, examples: null, total: null, visible: [], missing });
  if (unsupported != null) return unknown(unsupported);
  if (canonicalSolution.trim() === '') return unknown('there is no canonical solution');
  const job = { taskId, prompt, entryPoint, test, completion: canonicalSolution, seed: sandboxSeed(seed), sampleIndex: 0 };
  const { passed, outcome, measurements } = await executor.execute({ ...job, tryAssertions: true }, signal);
  if (!passed) return unknown(`${CANONICAL_FAILS} (${outcome.status})`);
  const { assertions, examples } = measurements;
  if (assertions?.trials == null) return unknown('the canonical solution meets a limit when its assertions are tried alone');
  return {
    taskId,
    examples: examples?.total ?? null,
    total: assertions.total,
    visible: assertions.trials.filter(({ visible }) => visible === true).map(({ index }) => index),
    missing: null,
  };
}
