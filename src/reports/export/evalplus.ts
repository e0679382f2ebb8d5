/**
 * evalplus's samples: whole programs, as its `evalplus.evaluate --samples` takes them (https://github.com/evalplus/evalplus, its README on
 * LLM-generated code). Its tasks have HumanEval's names, and MBPP's with `Mbpp/` in front.
 */
import { evalplusTask } from './evalplus-task.js';
import { jsonLines } from './jsonl.js';

export const evalplus = jsonLines(
  { name: 'evalplus', summary: "evalplus's samples: task_id and solution (prompt and completion), with sample_index and problem_digest" },
  function* (source) {
    for (const sample of source.samples()) {
      const { taskId, completion } = sample;
      const { prompt, digest } = source.problem(taskId);
      yield { task_id: evalplusTask(taskId), solution: prompt + completion, ...source.index(sample), problem_digest: digest };
    }
  },
);
