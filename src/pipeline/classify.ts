/**
 * The classification stage: decides again about every stored verdict, and replaces the decisions that changed, because
 * the config's categories or the rules did. Executes nothing. A second run changes nothing.
 */
import type { Store } from '../store/store.js';
import type { ClassificationRow } from '../store/types.js';
import type { CategoryView } from './category-view.js';
import { decide } from './execute.js';

/** Returns how many decisions changed. */
export function classifyStored(store: Store, experimentId: number, view: CategoryView): number {
  const changed: ClassificationRow[] = [];
  for (const sample of store.judgedSamples(experimentId)) {
    const decision = decide(sample, sample.verdict, view);
    const { strategy, taskId, sampleIndex } = sample;
    const same =
      decision.categoryCode === sample.categoryCode &&
      decision.categoryName === sample.categoryName &&
      decision.outcome === sample.outcome &&
      decision.evidence === sample.evidence &&
      decision.generationCode === sample.generationCode;
    if (!same) changed.push({ strategy, taskId, sampleIndex, ...decision });
  }
  if (changed.length > 0) store.replaceClassification(experimentId, changed);
  return changed.length;
}
