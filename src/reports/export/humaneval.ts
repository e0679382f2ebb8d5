/** HumanEval's `samples.jsonl`: what its checker, and most others, take. */
import type { ExportFormat } from './format.js';

export const humaneval: ExportFormat = {
  name: 'humaneval',
  summary: "HumanEval's samples.jsonl: task_id and completion",
  extension: 'jsonl',
  async write(source, write) {
    let count = 0;
    for (const { taskId, completion } of source.samples()) {
      await write(`${JSON.stringify({ task_id: taskId, completion })}\n`);
      count++;
    }
    return count;
  },
};
