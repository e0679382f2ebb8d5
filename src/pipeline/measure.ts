/**
 * Measures the texts of stored samples and stores what comes out. What is measured, and how, is `src/text-metrics/`'s. Needs no verdict,
 * model, Python or sandbox.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Store } from '../store/store.js';
import type { MeasuresRow } from '../store/types.js';
import { measureText } from '../text-metrics/measure-text.js';
import { loadGrammar } from '../text-metrics/syntax-tree.js';
import { ComparedText } from '../text-metrics/text.js';
import { BatchWriter } from './batch-writer.js';

/**
 * Measures every sample of an experiment that has not been measured, or by an earlier table of measures, in batches, those of an unfinished
 * batch when it is stopped or fails.
 * Throws the signal's reason when that is aborted, between two samples.
 */
export async function measureStored(store: Store, experimentId: number, signal: AbortSignal, onMeasured: () => void): Promise<void> {
  await loadGrammar();
  const references = new References();
  const writer = new BatchWriter<MeasuresRow>((batch) => {
    store.putTextMeasures(experimentId, batch);
  });
  try {
    for (const { strategy, taskId, sampleIndex, completion, canonicalSolution, tokens } of store.unmeasuredSamples(experimentId)) {
      // Signals come between two turns of the event loop alone.
      await turn();
      signal.throwIfAborted();
      const reference = references.of(taskId, canonicalSolution);
      writer.add({ strategy, taskId, sampleIndex, measures: measureText({ completion, reference, tokens }) });
      onMeasured();
    }
  } finally {
    writer.flush();
  }
}

/** The canonical solutions of an experiment. Taken apart once for all samples of a problem, which need not come one after the other. */
export class References {
  readonly #known = new Map<string, ComparedText | null>();

  of(taskId: string, canonicalSolution: string): ComparedText | null {
    let reference = this.#known.get(taskId);
    if (reference === undefined) this.#known.set(taskId, (reference = referenceOf(canonicalSolution)));
    return reference;
  }
}

/** A blank canonical solution is none: every text would be as unlike it as any other. */
export function referenceOf(canonicalSolution: string): ComparedText | null {
  return canonicalSolution.trim() === '' ? null : new ComparedText(canonicalSolution);
}
