/** HumanEval's `samples.jsonl`: what its checker, and most others, take. Index and digest are for our own import; they leave them alone. */
import { jsonLines } from './jsonl.js';

export const humaneval = jsonLines(
  { name: 'humaneval', summary: "HumanEval's samples.jsonl: task_id and completion, with sample_index and problem_digest" },
  function* (source) {
    for (const { taskId, sampleIndex, completion } of source.samples()) {
      yield { task_id: taskId, completion, sample_index: sampleIndex, problem_digest: source.problem(taskId).digest };
    }
  },
);
