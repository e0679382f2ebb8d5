/**
 * What a narrower dtype may cost of a model's results, by kernel family: a table and how it is asked. What it does cost is measured by
 * `precision.ts`.
 */
import type { DType } from '../engine/types.js';

export type NarrowDType = Exclude<DType, 'float32'>;

/**
 * What a dtype may cost at most, on the bundled model and texts; other models are measured against the same. The first row that names the
 * kernel family counts. A test holds every family that its CPU has. Each limit is what was measured and a margin:
 *
 * - `fma` and `int8` have the same results on every CPU, so theirs is a twentieth. Measured: fma 6.99e-3, 1.38e-3, 1.15e-6, 0.0013 %;
 *   int8 0.118, 2.12e-2, 3.78e-4, 0.082 %.
 * - The others round activations too: an error of 2^-9 at each of some ten products in a row. Theirs is a quarter, over what dpbf16 was measured
 *   to cost: 1.57e-2, 3.68e-3, 8.41e-6, 0.011 %. Of the first 20 texts dpbf16's divergence is 6.04e-6, that of AMX's portable form 5.98e-6, that
 *   of tensor cores in the emulator 5.48e-6; a GPU itself was not asked.
 */
const PRECISION_LIMITS: readonly PrecisionRow[] = [
  {
    dtype: 'bfloat16',
    families: ['fma'],
    limits: { logitError: 7.34e-3, logitErrorP999: 1.45e-3, meanDivergence: 1.21e-6, perplexityChange: 1.4e-5 },
  },
  {
    dtype: 'bfloat16',
    families: null,
    limits: { logitError: 1.96e-2, logitErrorP999: 4.6e-3, meanDivergence: 1.05e-5, perplexityChange: 1.4e-4 },
  },
  {
    dtype: 'int8',
    families: null,
    limits: { logitError: 0.124, logitErrorP999: 2.23e-2, meanDivergence: 4e-4, perplexityChange: 8.7e-4 },
  },
];

interface PrecisionRow {
  readonly dtype: NarrowDType;
  /** Names without the number of their version; null for all that no row before it names. */
  readonly families: readonly string[] | null;
  readonly limits: PrecisionLimits;
}

/** The limits that a dtype has under a kernel family such as `dpbf16-2`. */
export function precisionLimits(dtype: NarrowDType, kernelFamily: string): PrecisionLimits {
  const family = kernelFamily.replace(/-?\d+$/, '');
  return PRECISION_LIMITS.find((row) => row.dtype === dtype && (row.families === null || row.families.includes(family)))!.limits;
}

export interface PrecisionLimits {
  /** Of the largest logit of the same text. */
  readonly logitError: number;
  /** Of the same, for the 99.9th percentile. */
  readonly logitErrorP999: number;
  /** Nats per token. */
  readonly meanDivergence: number;
  /** Of the perplexity, up or down. */
  readonly perplexityChange: number;
}
