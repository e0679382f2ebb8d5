/** Where each sample's tokens, log-probabilities and entropies lie in the safetensors files beside the database. */
import { jsonLines } from './jsonl.js';

export const tokenIndex = jsonLines(
  {
    name: 'token-index',
    summary: "JSONL: each sample's safetensors file, first row and rows of `tokens`, `logprobs` and `entropies`",
  },
  function* (source) {
    for (const { strategy, taskId, sampleIndex, ...place } of source.tokenPlaces()) {
      yield { strategy, task_id: taskId, sample_index: sampleIndex, ...place };
    }
  },
);
