/**
 * Which failing samples a report prints in full. The rule is fixed, so that nobody picks: one sample from each of the most frequent
 * crash-like categories, and of each category the one that the model was surest of (highest mean log-probability;
 * the earlier one where equal or unknown). With fewer crash-like categories than places, the other categories follow by
 * frequency, then second samples in the same order. The same program of the same problem is shown once.
 */
import type { JudgedSample } from '../store/types.js';
import { compareCodes } from './category-order.js';
import { describeFailure } from './describe.js';
import { OUTCOMES } from './outcomes.js';
import type { CategoryShare, WorstSample } from './report-data.js';

/** The rule in one sentence, for the page. */
export const WORST_RULE =
  'One sample from each of the most frequent crash-like categories (crash, load, resource, abnormal exit, tamper); within a category the one ' +
  'the model was surest of, by mean log-probability. Where such categories are fewer than five, other categories follow by frequency.';

/** Keeps the surest distinct samples of each category while samples stream by. */
export class WorstSamples {
  private readonly byCategory = new Map<string | null, JudgedSample[]>();

  constructor(private readonly places: number) {}

  /** Offers one failing sample. Samples must come in their natural order (problem, sample index). */
  offer(sample: JudgedSample): void {
    let kept = this.byCategory.get(sample.categoryCode);
    if (kept === undefined) this.byCategory.set(sample.categoryCode, (kept = []));
    const twin = kept.findIndex(({ taskId, completion }) => taskId === sample.taskId && completion === sample.completion);
    if (twin >= 0) {
      if (sureness(kept[twin]!) >= sureness(sample)) return;
      kept.splice(twin, 1);
    }
    const place = kept.findIndex((other) => sureness(other) < sureness(sample));
    kept.splice(place < 0 ? kept.length : place, 0, sample);
    kept.length = Math.min(kept.length, this.places);
  }

  /** The chosen samples, in the order in which they are shown. */
  choose(categories: readonly CategoryShare[]): WorstSample[] {
    const ranked = [...categories].sort(
      (a, b) => Number(isCrashLike(b)) - Number(isCrashLike(a)) || b.count - a.count || compareCodes(a.code, b.code),
    );
    const chosen: WorstSample[] = [];
    for (let round = 0; round < this.places && chosen.length < this.places; round++) {
      for (const category of ranked) {
        const sample = this.byCategory.get(category.code)?.[round];
        if (sample !== undefined && chosen.length < this.places) chosen.push(inFull(sample, category));
      }
    }
    return chosen;
  }
}

function sureness({ meanLogprob }: JudgedSample): number {
  return meanLogprob ?? -Infinity;
}

function isCrashLike({ outcome }: CategoryShare): boolean {
  return OUTCOMES[outcome].crashLike;
}

function inFull(sample: JudgedSample, category: CategoryShare): WorstSample {
  return {
    taskId: sample.taskId,
    sampleIndex: sample.sampleIndex,
    entryPoint: sample.entryPoint,
    categoryCode: category.code,
    categoryName: category.name,
    outcome: category.outcome,
    categoryCount: category.count,
    evidence: sample.evidence,
    finishReason: sample.finishReason,
    tokenCount: sample.tokenCount,
    meanLogprob: sample.meanLogprob,
    prompt: sample.prompt,
    completion: sample.completion,
    failure: describeFailure(sample.verdict),
  };
}
