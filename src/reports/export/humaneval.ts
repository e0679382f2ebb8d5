/** HumanEval's `samples.jsonl`: what its checker, and most others, take. Index and digest are for our own import; they leave them alone. */
import { jsonLines } from './jsonl.js';

export const humaneval = jsonLines(
  { name: 'humaneval', summary: "HumanEval's samples.jsonl: task_id and completion, with sample_index and problem_digest" },
  function* (source) {
    for (const sample of source.samples()) {
      const { taskId, completion } = sample;
      yield { task_id: taskId, completion, ...source.index(sample), problem_digest: source.problem(taskId).digest };
    }
  },
);
