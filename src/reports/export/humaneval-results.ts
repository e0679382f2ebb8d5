/**
 * HumanEval's `<samples>_results.jsonl`, as its `evaluate_functional_correctness` writes it (https://github.com/openai/human-eval): the lines of
 * the samples with `result` and `passed`. Samples without a verdict of their own are left out, as a line there says that one passed or failed.
 */
import { resultText } from '../result-text.js';
import { jsonLines } from './jsonl.js';

export const humanevalResults = jsonLines(
  {
    name: 'humaneval-results',
    summary: "HumanEval's results: task_id, completion, result and passed of each judged sample, with sample_index and problem_digest",
    extension: 'jsonl_results.jsonl',
  },
  function* (source) {
    for (const sample of source.judged()) {
      const { taskId, completion, verdict, outcome } = sample;
      if (outcome === 'infra') continue;
      yield {
        task_id: taskId,
        completion,
        result: resultText(verdict),
        passed: verdict.passed,
        ...source.index(sample),
        problem_digest: source.problem(taskId).digest,
      };
    }
  },
);
