/** What tells an experiment of samples that were made elsewhere. The one place that knows how such a row looks. */
import type { ExperimentManifest } from './types.js';

/** Stands in a row for what a file of samples does not say: strategy, tokenizer, dtype, device and kernels. */
export const IMPORTED = 'imported';

/** Whether the samples came from a file: then `modelHash` is the samples' own, and nothing is known of who drew them. */
export function isImported({ device, tokenizerHash }: Pick<ExperimentManifest, 'device' | 'tokenizerHash'>): boolean {
  return device === IMPORTED && tokenizerHash === IMPORTED;
}
