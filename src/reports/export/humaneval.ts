/** HumanEval's `samples.jsonl`: what its checker, and most others, take. */
import { jsonLines } from './jsonl.js';

export const humaneval = jsonLines({ name: 'humaneval', summary: "HumanEval's samples.jsonl: task_id and completion" }, function* (source) {
  for (const { taskId, completion } of source.samples()) yield { task_id: taskId, completion };
});
