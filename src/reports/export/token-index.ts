/** Where each sample's tokens, log-probabilities and entropies lie in the safetensors files beside the database. */
import type { ExportFormat } from './format.js';

export const tokenIndex: ExportFormat = {
  name: 'token-index',
  summary: "JSONL: each sample's safetensors file, first row and rows of `tokens`, `logprobs` and `entropies`",
  extension: 'jsonl',
  async write(source, write) {
    let count = 0;
    for (const { strategy, taskId, sampleIndex, file, offset, length } of source.tokenPlaces()) {
      await write(`${JSON.stringify({ strategy, task_id: taskId, sample_index: sampleIndex, file, offset, length })}\n`);
      count++;
    }
    return count;
  },
};
