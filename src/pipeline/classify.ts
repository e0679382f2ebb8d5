/**
 * The classification stage: decides again about every stored verdict, and replaces the decisions that changed, because
 * the config's categories or the rules did, or because another sample has shown that its problem's test is at fault. Executes
 * nothing. A second run changes nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Store } from '../store/store.js';
import type { ClassificationRow, JudgedSample } from '../store/types.js';
import type { CategoryView } from './category-view.js';
import { decide, type Decision, type TokensOf } from './execute.js';
import { faultyProblems } from './unjudged.js';

/**
 * Returns how many decisions changed, and records how they count categories. Without `tokensOf` no failing line is found among tokens: for
 * samples that have none.
 */
export function classifyStored(store: Store, experimentId: number, view: CategoryView, tokensOf?: TokensOf<JudgedSample>): number {
  const faults = faultyProblems(store.judgedSamples(experimentId, { outcome: 'infra' }));
  const changed: ClassificationRow[] = [];
  for (const sample of store.judgedSamples(experimentId)) {
    const decided = faults.get(sample.taskId) ?? sample;
    const decision = decide(decided, decided.verdict, view, tokensOf);
    const { strategy, taskId, sampleIndex } = sample;
    const stored = Object.fromEntries(Object.keys(decision).map((field) => [field, sample[field as keyof Decision]]));
    if (!isDeepStrictEqual(stored, decision)) changed.push({ strategy, taskId, sampleIndex, ...decision });
  }
  if (changed.length > 0) store.replaceClassification(experimentId, changed);
  store.recordCategories(experimentId, view.settings);
  return changed.length;
}
