/**
 * The classification stage: decides again about every stored verdict, and replaces the decisions that changed, because
 * the config's categories or the rules did, or because another sample has shown that its problem's test is at fault. Executes
 * nothing. A second run changes nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Steps } from '../reports/steps.js';
import type { Store } from '../store/store.js';
import type { ClassificationRow, JudgedSample } from '../store/types.js';
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
 * Resolves to how many decisions changed. They are replaced, and how they count categories is recorded, in one transaction once all is decided:
 * whatever ends this before, an abort, an error or a kill, leaves every decision and that record as they were. Until then the changed decisions
 * are in memory.
 * Rejects with the signal's reason when that is aborted, between two samples.
 */
export async function classifyStored(store: Store, experimentId: number, options: ClassifyOptions): Promise<number> {
  const changed = await inTurns(changedDecisions(store, experimentId, options), options.signal);
  store.replaceClassification(experimentId, changed, options.view.settings);
  return changed.length;
}

function* changedDecisions(store: Store, id: number, { view, tokensOf, onDecided }: ClassifyOptions): Steps<ClassificationRow[]> {
  const faults = faultyProblems(store.judgedSamples(id, { outcome: 'infra' }));
  const categories = new Map(store.categories(id).map((category) => [category.categoryCode, category]));
  const changed: ClassificationRow[] = [];
  for (const sample of store.judgedSamples(id)) {
    const decided = faults.get(sample.taskId) ?? sample;
    const decision = decide(decided, decided.verdict, view, tokensOf);
    const { strategy, taskId, sampleIndex } = sample;
    const before = { ...sample, ...(sample.categoryCode === null ? {} : categories.get(sample.categoryCode)) };
    const stored = Object.fromEntries(Object.keys(decision).map((field) => [field, before[field as keyof Decision]]));
    if (!isDeepStrictEqual(stored, decision)) changed.push({ strategy, taskId, sampleIndex, ...decision });
    onDecided?.();
    yield;
  }
  return changed;
}
