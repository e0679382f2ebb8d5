/** Values of SciPy, statsmodels and scikit-learn, and the programs' versions: tests/golden/statistics.json, statistics-more.json, statistics-swaps.json and statistics-bootstrap.json. */
import { readFileSync } from 'node:fs';

interface Golden {
  readonly benjamini_hochberg: { readonly p: number[]; readonly adjusted: number[] };
  readonly mcnemar: readonly { readonly b: number; readonly c: number; readonly exact_p: number; readonly chi2_corrected_p: number }[];
  readonly chi_square: {
    readonly table: number[][];
    readonly statistic: number;
    readonly p: number;
    readonly dof: number;
    readonly cramers_v: number;
  };
  readonly cliffs_delta: { readonly a: number[]; readonly b: number[]; readonly value: number };
  readonly bca_mean_95: { readonly values: number[] };
}

interface More {
  readonly log_gamma: readonly { readonly x: number; readonly value: number }[];
  readonly gamma: readonly { readonly a: number; readonly x: number; readonly p: number; readonly q: number }[];
  readonly mcnemar: readonly {
    readonly b: number;
    readonly c: number;
    readonly exact: number;
    readonly mid_p: number;
    readonly statistic: number;
    readonly chi_square: number;
  }[];
  readonly chi_square: readonly {
    readonly table: number[][];
    readonly statistic: number;
    readonly dof: number;
    readonly p: number;
    readonly small_cells: number;
    readonly v: number;
    readonly v_corrected: number;
  }[];
  readonly auroc: readonly { readonly scores: number[]; readonly positive: boolean[]; readonly value: number }[];
  readonly kappa: readonly { readonly table: number[][]; readonly value: number; readonly low: number; readonly high: number }[];
  readonly benjamini_hochberg: readonly { readonly p: number[]; readonly adjusted: number[] }[];
}

/** Ends that SciPy found, and how far from them ours may be for chance alone. */
export interface GoldenInterval {
  readonly bca: { readonly low: number; readonly high: number };
  readonly percentile: { readonly low: number; readonly high: number };
  readonly tolerance: number;
}

interface Paired {
  readonly resamples: number;
  readonly ratio: readonly (SwapCounts & GoldenInterval)[];
  readonly difference: readonly ({ readonly first: SwapCounts; readonly second: SwapCounts } & GoldenInterval)[];
  readonly quantile: readonly ({ readonly share: number; readonly values: number[][]; readonly value: number } & GoldenInterval)[];
}

interface SwapCounts {
  readonly hits: number[];
  readonly samples: number[];
}

interface RateSwaps {
  readonly first: SwapCounts;
  readonly second: SwapCounts;
  readonly p: number;
}

interface Swaps {
  readonly rates: readonly RateSwaps[];
  /** Counts by problem and category. */
  readonly chi_square: readonly { readonly first: number[][]; readonly second: number[][]; readonly p: number }[];
  readonly sampled: readonly RateSwaps[];
  /** With unequal numbers of samples: `p` of the flips, and of hits by lot. */
  readonly uneven: readonly (RateSwaps & { readonly by_lot: number })[];
  /** Samples of each problem by method, and counts by method, problem and category. */
  readonly categories: readonly { readonly samples: number[]; readonly methods: number[][][]; readonly p: number }[];
  /** Cramér's V of counts as these, the squares of its interval's ends, and how far from them ours may be for chance alone. */
  readonly intervals: readonly {
    readonly methods: number[][][];
    readonly resamples: number;
    readonly value: number;
    readonly low_square: number;
    readonly high_square: number;
    readonly tolerance: number;
  }[];
}

const load = (file: string): unknown => JSON.parse(readFileSync(new URL(`../../../golden/${file}`, import.meta.url), 'utf8'));
export const golden = load('statistics.json') as Golden;
export const more = load('statistics-more.json') as More;
export const swaps = load('statistics-swaps.json') as Swaps;
export const paired = load('statistics-bootstrap.json') as Paired;
