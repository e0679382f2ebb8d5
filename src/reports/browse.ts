/**
 * Which samples the page's browser holds. All that count where there are few; else as many of each category as fit, passes being one, those
 * whose key is smallest: a function of the samples alone, so that nobody picks, and rare categories are there in full. Shares among them are
 * therefore not the experiment's. Memory is bounded by {@link MOST_SAMPLES}, not by the samples.
 */
import { createHash } from 'node:crypto';
import type { JudgedSample } from '../store/types.js';
import { describeFailure } from './describe.js';
import type { CountedOutcome } from './outcomes.js';
import type { BrowsedGroup, BrowsedSample, BrowsedSamples } from './report-data.js';

/** A page of this many samples opens at once; the programs are beside it, in `samples.jsonl`. */
export const MOST_SAMPLES = 2_000;

interface Held {
  readonly order: number;
  readonly sample: JudgedSample;
  key: string | null;
}

/** The samples of one category, or those that passed without one. */
interface Group {
  readonly code: string | null;
  readonly name: string | null;
  readonly outcome: CountedOutcome;
  counted: number;
  held: Held[];
}

export class SampleSelection {
  private readonly groups = new Map<string, Group>();
  private counted = 0;
  private held = 0;

  constructor(private readonly most = MOST_SAMPLES) {}

  /** Offers one counted sample. Samples must come in their natural order (problem, sample index). */
  offer(sample: JudgedSample, outcome: CountedOutcome): void {
    const key = JSON.stringify([outcome, sample.categoryCode]);
    let group = this.groups.get(key);
    if (group === undefined) {
      group = { code: sample.categoryCode, name: sample.categoryName, outcome, counted: 0, held: [] };
      this.groups.set(key, group);
    }
    group.counted++;
    group.held.push({ order: this.counted++, sample, key: null });
    // What is cut off here would be cut off at the end, too: the level only falls while samples come.
    if (++this.held > 2 * this.most) this.trim();
  }

  /** The chosen samples, in their natural order. */
  choose(): BrowsedSamples {
    const level = this.trim();
    const chosen = [...this.groups.values()].flatMap(({ held }) => held.map((each, rank) => ({ ...each, rank })));
    return {
      counted: this.counted,
      perGroup: this.counted > this.most ? level : null,
      groups: [...this.groups.values()].map(({ code, name, outcome, counted }): BrowsedGroup => ({ code, name, outcome, counted })),
      samples: chosen.sort((a, b) => a.order - b.order).map(({ sample, rank }) => browsed(sample, rank)),
    };
  }

  /** Cuts every group down to the level, the smallest keys first, and returns the level. */
  private trim(): number {
    const level = waterLevel(
      [...this.groups.values()].map(({ counted }) => counted),
      this.most,
    );
    this.held = 0;
    for (const group of this.groups.values()) {
      for (const each of group.held) each.key ??= keyOf(each.sample);
      group.held.sort((a, b) => (a.key! < b.key! ? -1 : Number(a.key! > b.key!)) || a.order - b.order);
      group.held.length = Math.min(group.held.length, level);
      this.held += group.held.length;
    }
    return level;
  }
}

/** The largest number so that taking at most so many of each group takes at most `most`. */
export function waterLevel(sizes: readonly number[], most: number): number {
  let left = most;
  const ascending = [...sizes].sort((a, b) => a - b);
  for (const [i, size] of ascending.entries()) {
    const level = Math.floor(left / (ascending.length - i));
    if (size > level) return level;
    left -= size;
  }
  return most;
}

function keyOf({ taskId, sampleIndex }: JudgedSample): string {
  return createHash('sha256')
    .update(JSON.stringify([taskId, sampleIndex]))
    .digest('hex');
}

function browsed(sample: JudgedSample, rank: number): BrowsedSample {
  return {
    rank,
    taskId: sample.taskId,
    sampleIndex: sample.sampleIndex,
    outcome: sample.outcome as CountedOutcome,
    status: sample.verdict.outcome.status,
    categoryCode: sample.categoryCode,
    categoryName: sample.categoryName,
    rule: sample.rule,
    evidence: sample.evidence,
    tags: sample.tags,
    finishReason: sample.finishReason,
    tokenCount: sample.tokenCount,
    meanLogprob: sample.meanLogprob,
    nearLimit: sample.verdict.measurements.nearLimit,
    prompt: sample.prompt,
    completion: sample.completion,
    failure: describeFailure(sample.verdict),
  };
}
