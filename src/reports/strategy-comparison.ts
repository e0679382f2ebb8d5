/**
 * Strategies of one study against each other: what came of each, and whether the later ones differ from the first. Pure: the numbers of two
 * experiments are `difference.ts`'s, those of all side by side `analysis/by-setting.ts`'s; here they are put together, and tests that stand in one
 * table are adjusted together.
 */
import type { BySetting } from './analysis/by-setting.js';
import type { Difference, RateRow } from './difference.js';
import { benjaminiHochberg } from './statistics/benjamini-hochberg.js';

export interface StrategyComparison {
  readonly bySetting: BySetting;
  /** Name of the first one's experiment: each difference is that strategy minus this one. */
  readonly against: string;
  readonly pairs: readonly StrategyPair[];
  /** Of pass and crash rate, and of passes on hidden assertions alone where some are marked, pair by pair. */
  readonly tests: readonly StrategyTest[];
}

/** The first strategy and one of the others. */
export interface StrategyPair {
  /** Name of the other one's experiment. */
  readonly experiment: string;
  readonly difference: Difference;
}

export interface StrategyTest {
  readonly experiment: string;
  /** Whose test it is. */
  readonly pair: StrategyPair;
  /** `pass`, `crash rate` or `hidden pass`. */
  readonly rate: string;
  readonly first: RateRow['first'];
  readonly second: RateRow['second'];
  readonly difference: RateRow['difference'];
  /**
   * The difference's p, adjusted for all tests of this list (Benjamini and Hochberg). A difference's own is adjusted for its categories as
   * well, and for no other strategy.
   */
  readonly adjustedP: number | null;
}

const TESTED = ['pass', 'crash rate'];

export function strategyComparison(bySetting: BySetting, against: string, pairs: readonly StrategyPair[]): StrategyComparison {
  const tests = pairs.flatMap((pair) =>
    [
      ...pair.difference.rates.filter(({ name }) => TESTED.includes(name)),
      ...pair.difference.hiddenAssertions.rates.filter(({ name }) => name === 'hidden pass'),
    ].map(({ name, first, second, difference }) => ({ experiment: pair.experiment, pair, rate: name, first, second, difference })),
  );
  const adjusted = benjaminiHochberg(tests.map(({ difference }) => difference.p));
  return { bySetting, against, pairs, tests: tests.map((test, i) => ({ ...test, adjustedP: adjusted[i]! })) };
}
