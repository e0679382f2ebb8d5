/**
 * The digest of an experiment's results: what must be the same after any interruption, on any batch size, in any
 * order. Holds no SQL; it reads through the listings, whose order is fixed.
 */
import { createHash } from 'node:crypto';
import type { Experiments } from './experiments.js';
import { KILLED_STATUSES } from './executions.js';
import type { Problems } from './problems.js';
import type { Queries } from './queries.js';
import type { Samples } from './samples.js';
import { toCategoryColumns, toDecisionColumns } from './decision-columns.js';
import { toVerdictColumns } from './verdict-columns.js';

/** See {@link Store.resultDigest}. Each line is JSON, tagged with its table; per-token arrays enter as their bytes. */
export function resultDigest(
  experimentId: number,
  experiments: Experiments,
  problems: Problems,
  samples: Samples,
  queries: Queries,
): string {
  const digest = createHash('sha256');
  const line = (table: string, ...values: unknown[]): void => {
    digest.update(`${JSON.stringify([table, ...values])}\n`);
  };
  const { hash, name, config, seed, modelHash, tokenizerHash, problemsHash, dtype } = experiments.byId(experimentId);
  line('experiment', hash, name, config, seed, modelHash, tokenizerHash, problemsHash, dtype);
  for (const { position, hash: content } of problems.entries(experimentId)) line('problem', position, content);
  for (const { sample, tokens: readTokens } of samples.rowsWithTokens(experimentId, {})) {
    const { strategy, taskId, sampleIndex, completion, rawText, finishReason, seed: sampleSeed, error, tokenCount, meanLogprob } = sample;
    line('sample', strategy, taskId, sampleIndex, completion, rawText, finishReason, sampleSeed, error, tokenCount, meanLogprob);
    const { tokens, logprobs, entropies } = readTokens();
    for (const values of [tokens, logprobs, entropies]) digest.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  for (const judged of queries.judged(experimentId, {})) {
    const columns = toVerdictColumns(judged.verdict);
    if (columns.status === 'infra') continue;
    if (KILLED_STATUSES.has(columns.status)) columns.stdout = '';
    const { strategy, taskId, sampleIndex } = judged;
    line('verdict', strategy, taskId, sampleIndex, columns, toDecisionColumns(judged), toCategoryColumns(judged));
  }
  return digest.digest('hex');
}
