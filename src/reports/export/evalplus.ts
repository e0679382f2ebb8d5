/**
 * evalplus's samples: whole programs, as its `evalplus.evaluate --samples` takes them (https://github.com/evalplus/evalplus, its README on
 * LLM-generated code). Its tasks have HumanEval's names, and MBPP's with `Mbpp/` in front.
 */
import type { ExportFormat } from './format.js';

export const evalplus: ExportFormat = {
  name: 'evalplus',
  summary: "evalplus's samples: task_id and solution, which is prompt and completion",
  extension: 'jsonl',
  async write(source, write) {
    let count = 0;
    for (const { taskId, completion } of source.samples()) {
      const line = { task_id: taskId.replace(/^MBPP\//, 'Mbpp/'), solution: source.prompt(taskId) + completion };
      await write(`${JSON.stringify(line)}\n`);
      count++;
    }
    return count;
  },
};
