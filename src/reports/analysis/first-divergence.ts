/**
 * Where failing samples part from those that pass: the first token at which a failing sample leaves the longest beginning that it shares with
 * any passing sample of the same problem, and how sure the model was there. Pure; reads one problem's tokens at a time.
 *
 * Log-probability and entropy are of the model itself (temperature 1, nothing cut off), in nats, and stand beside their means over all tokens
 * of the same samples: a choice point shows as an entropy above that mean.
 */
import { failuresByCategory, type CategoryKey } from './rows.js';
import { intervalOf, spread, type Interval, type Spread } from './spread.js';
import type { TokenSample } from '../../store/types.js';
import { outcomeOf, type CountedOutcome } from '../outcomes.js';
import { Bootstrap, type BootstrapOptions } from '../statistics/bootstrap.js';
import { finish, type Steps } from '../steps.js';

export interface FirstDivergence extends DivergenceCounts {
  readonly failures: number;
  /** Failures that have none: their tokens are not stored; no sample of the problem passes; they are the beginning of one that does. */
  readonly withoutTokens: number;
  readonly withoutSibling: number;
  readonly beginnings: number;
  /** By code; categories without any are absent. */
  readonly categories: readonly (CategoryKey & DivergenceCounts)[];
  /** Why nothing is known; null where something is. */
  readonly missing: string | null;
}

export interface DivergenceCounts {
  /** Number of the token over the sample's tokens: 0 for the first one, below 1. */
  readonly position: Spread;
  /** Means over samples: at the token, and over all tokens of the same samples. Null where there are none. */
  readonly logprob: MeanAtAndOverall | null;
  readonly entropy: MeanAtAndOverall | null;
}

export interface MeanAtAndOverall extends AtAndOverall {
  /** Of both means, by bootstrap over problems. */
  readonly intervals: Readonly<Record<keyof AtAndOverall, Interval>>;
}

export interface AtAndOverall {
  readonly at: number;
  readonly overall: number;
}

/** One failing sample that leaves its passing siblings. */
interface Divergence {
  /** Number of its problem, in the order of the samples. */
  readonly problem: number;
  readonly outcome: CountedOutcome;
  readonly categoryCode: string | null;
  readonly categoryName: string | null;
  readonly position: number;
  readonly logprob: AtAndOverall;
  readonly entropy: AtAndOverall;
}

/**
 * @param samples with a verdict, those of one problem one after the other
 * @param options of the intervals
 */
export function firstDivergence(samples: Iterable<TokenSample>, options: BootstrapOptions = {}): FirstDivergence {
  return finish(divergenceSteps(samples, options));
}

/** The same in steps: one a sample, then one a category. */
export function* divergenceSteps(samples: Iterable<TokenSample>, options: BootstrapOptions = {}): Steps<FirstDivergence> {
  const tally = new DivergenceTally();
  let own: TokenSample[] = [];
  for (const sample of samples) {
    if (own.length > 0 && own[0]!.taskId !== sample.taskId) {
      tally.addProblem(own);
      own = [];
    }
    own.push(sample);
    yield;
  }
  tally.addProblem(own);
  return yield* tally.result(options);
}

/** What is said where the tokens cannot be read. */
export function unknownDivergence(missing: string): FirstDivergence {
  return { ...finish(new DivergenceTally().result({})), missing };
}

class DivergenceTally {
  readonly #found: Divergence[] = [];
  #problems = 0;
  #failures = 0;
  #withoutTokens = 0;
  #withoutSibling = 0;
  #beginnings = 0;

  addProblem(samples: readonly TokenSample[]): void {
    const problem = this.#problems++;
    const passing = samples.filter(({ outcome, tokens }) => outcome === 'pass' && tokens.tokens.length > 0);
    const siblings = new Beginnings();
    for (const { tokens } of passing) siblings.add(tokens.tokens);
    for (const { outcome: name, categoryCode, categoryName, tokens } of samples) {
      const outcome = outcomeOf(name);
      if (outcome === null || outcome === 'infra' || outcome === 'pass') continue;
      this.#failures++;
      const length = tokens.tokens.length;
      if (length === 0) this.#withoutTokens++;
      else if (passing.length === 0) this.#withoutSibling++;
      else {
        const at = siblings.shared(tokens.tokens);
        if (at === length) this.#beginnings++;
        else {
          const logprob = { at: tokens.logprobs[at]!, overall: meanOf(tokens.logprobs) };
          const entropy = { at: tokens.entropies[at]!, overall: meanOf(tokens.entropies) };
          this.#found.push({ problem, outcome, categoryCode, categoryName, position: at / length, logprob, entropy });
        }
      }
    }
  }

  *result(options: BootstrapOptions): Steps<FirstDivergence> {
    const bootstrap = new Bootstrap(this.#problems, options);
    const all = countsOf(this.#found, bootstrap);
    yield;
    const categories: (CategoryKey & DivergenceCounts)[] = [];
    for (const { code, name, rows } of failuresByCategory(this.#found)) {
      categories.push({ code, name, ...countsOf(rows, bootstrap) });
      yield;
    }
    return {
      failures: this.#failures,
      withoutTokens: this.#withoutTokens,
      withoutSibling: this.#withoutSibling,
      beginnings: this.#beginnings,
      ...all,
      categories,
      missing: this.#missing(),
    };
  }

  #missing(): string | null {
    if (this.#found.length > 0) return null;
    if (this.#failures === 0) return 'no sample failed';
    if (this.#withoutTokens === this.#failures) return 'the tokens of these samples are not stored';
    if (this.#beginnings > 0)
      return 'no failing sample leaves a passing one: it is the beginning of one that passes, or nothing passes there';
    return 'no problem has both failing and passing samples';
  }
}

/** The beginnings of token sequences, as a tree. */
class Beginnings {
  readonly #root: Beginning = new Map();

  add(tokens: Int32Array): void {
    let here = this.#root;
    for (const token of tokens) {
      let next = here.get(token);
      if (next === undefined) here.set(token, (next = new Map<number, Beginning>()));
      here = next;
    }
  }

  /** How many tokens at the beginning are those of a sequence that was added. */
  shared(tokens: Int32Array): number {
    let here = this.#root;
    for (let at = 0; at < tokens.length; at++) {
      const next = here.get(tokens[at]!);
      if (next === undefined) return at;
      here = next;
    }
    return tokens.length;
  }
}
type Beginning = Map<number, Beginning>;

function countsOf(found: readonly Divergence[], bootstrap: Bootstrap): DivergenceCounts {
  const perProblem = (of: (each: Divergence) => number): Float64Array => {
    const sums = new Float64Array(bootstrap.size);
    for (const each of found) sums[each.problem]! += of(each);
    return sums;
  };
  const counts = perProblem(() => 1);
  const means = (of: 'logprob' | 'entropy'): MeanAtAndOverall | null => {
    if (found.length === 0) return null;
    const interval = (which: keyof AtAndOverall): Interval =>
      intervalOf(
        bootstrap.ratio(
          perProblem((each) => each[of][which]),
          counts,
        ),
      );
    return {
      at: meanOf(found.map((each) => each[of].at)),
      overall: meanOf(found.map((each) => each[of].overall)),
      intervals: { at: interval('at'), overall: interval('overall') },
    };
  };
  return { position: spread(found, 'above', bootstrap), logprob: means('logprob'), entropy: means('entropy') };
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}
