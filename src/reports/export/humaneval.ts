/** HumanEval's `samples.jsonl`: what its checker, and most others, take. The digest is for our own import; they leave it alone. */
import { jsonLines } from './jsonl.js';

export const humaneval = jsonLines(
  { name: 'humaneval', summary: "HumanEval's samples.jsonl: task_id and completion, and the problem's digest" },
  function* (source) {
    for (const { taskId, completion } of source.samples()) {
      yield { task_id: taskId, completion, problem_digest: source.problem(taskId).digest };
    }
  },
);
