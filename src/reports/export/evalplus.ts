/**
 * evalplus's samples: whole programs, as its `evalplus.evaluate --samples` takes them (https://github.com/evalplus/evalplus, its README on
 * LLM-generated code). Its tasks have HumanEval's names, and MBPP's with `Mbpp/` in front.
 */
import { evalplusTask } from './evalplus-task.js';
import { jsonLines } from './jsonl.js';

export const evalplus = jsonLines(
  { name: 'evalplus', summary: "evalplus's samples: task_id and solution, which is prompt and completion, and the problem's digest" },
  function* (source) {
    for (const { taskId, completion } of source.samples()) {
      const { prompt, digest } = source.problem(taskId);
      yield { task_id: evalplusTask(taskId), solution: prompt + completion, problem_digest: digest };
    }
  },
);
