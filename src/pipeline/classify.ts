/**
 * The classification stage: decides again about every stored verdict, and replaces the decisions that changed, because
 * the config's categories or the rules did, or because another sample has shown that its problem's test is at fault. Executes
 * nothing. A second run changes nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Steps } from '../reports/steps.js';
import type { Store } from '../store/store.js';
import type { ClassificationRow, JudgedSample } from '../store/types.js';
import { BatchWriter } from './batch-writer.js';
import type { CategoryView } from './category-view.js';
import { decide, type Decision, type TokensOf } from './execute.js';
import { inTurns } from './turns.js';
import { faultyProblems } from './unjudged.js';

export interface ClassifyOptions {
  readonly view: CategoryView;
  /** Without it no failing line is found among tokens: for samples that have none. */
  readonly tokensOf?: TokensOf<JudgedSample> | undefined;
  readonly signal: AbortSignal;
  /** Told of each verdict that has been decided about again. */
  readonly onDecided?: () => void;
}

/**
 * Resolves to how many decisions changed, and records how they count categories. Replaces decisions in batches, those of an unfinished batch when it is
 * stopped; a later call finds them as they are to be, and replaces the others alone. In between some may count as an older config says: the
 * experiment then has no `categorySettings`.
 * Rejects with the signal's reason when that is aborted, between two samples.
 */
export async function classifyStored(store: Store, experimentId: number, options: ClassifyOptions): Promise<number> {
  return inTurns(classifySteps(store, experimentId, options), options.signal);
}

function* classifySteps(store: Store, id: number, { view, tokensOf, onDecided }: ClassifyOptions): Steps<number> {
  const faults = faultyProblems(store.judgedSamples(id, { outcome: 'infra' }));
  // As they were before: the first decision that is replaced renames a category for all.
  const categories = new Map(store.categories(id).map((category) => [category.categoryCode, category]));
  let changed = 0;
  const writer = new BatchWriter<ClassificationRow>((batch) => {
    if (changed === 0) store.recordCategories(id, null);
    store.replaceClassification(id, batch);
    changed += batch.length;
  });
  try {
    for (const sample of store.judgedSamples(id)) {
      const decided = faults.get(sample.taskId) ?? sample;
      const decision = decide(decided, decided.verdict, view, tokensOf);
      const { strategy, taskId, sampleIndex } = sample;
      const before = { ...sample, ...(sample.categoryCode === null ? {} : categories.get(sample.categoryCode)) };
      const stored = Object.fromEntries(Object.keys(decision).map((field) => [field, before[field as keyof Decision]]));
      if (!isDeepStrictEqual(stored, decision)) writer.add({ strategy, taskId, sampleIndex, ...decision });
      onDecided?.();
      yield;
    }
  } finally {
    writer.flush();
  }
  store.recordCategories(id, view.settings);
  return changed;
}
