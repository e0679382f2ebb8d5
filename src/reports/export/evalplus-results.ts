/**
 * evalplus's `eval_results.json`, as its `evalplus.evaluate --base-only` writes it (https://github.com/evalplus/evalplus, evaluate.py): one object,
 * whose `eval` has a list for each task with a row for each sample. What was judged here is the problem's own test, which is the base test there;
 * the extra ones were not run, so that `plus_status` is null, and which inputs failed is not known in evalplus's form, so that both lists are
 * empty. `date` is when the last one was judged (UTC), `hash` that of the problem file that judged, and not of a data file of evalplus. Samples without a verdict of their own are left out.
 */
import { FaultlineError } from '../../errors.js';
import type { Verdict } from '../../sandbox/verdict.js';
import { evalplusTask } from './evalplus-task.js';
import type { ExportFormat } from './format.js';

export const evalplusResults: ExportFormat = {
  name: 'evalplus-results',
  summary: "evalplus's eval_results.json: solution and base_status of each judged sample; its extra tests are not run",
  extension: 'eval_results.json',
  async write(source, write) {
    let count = 0;
    let last = '';
    let judgedAt = '';
    const tasks = new Set<string>();
    await write('{"eval": {');
    for (const { taskId, sampleIndex, completion, verdict, outcome, executedAt = '' } of source.judged()) {
      if (outcome === 'infra') continue;
      const { prompt, digest } = source.problem(taskId);
      const task = evalplusTask(taskId);
      const row = {
        task_id: task,
        solution: prompt + completion,
        base_status: baseStatus(verdict),
        plus_status: null,
        base_fail_tests: [],
        plus_fail_tests: [],
        sample_index: sampleIndex,
        problem_digest: digest,
      };
      // All samples of a task come one after the other, unless there are strategies beside each other.
      const begins = task !== last;
      if (begins && tasks.has(task)) {
        throw new FaultlineError('usage', 'the experiment has samples of several strategies, and evalplus has one list for each task', {
          hint: 'Take --format humaneval-results, or parquet, which names the strategy.',
        });
      }
      tasks.add(task);
      last = task;
      const before = begins ? `${count === 0 ? '' : '], '}${JSON.stringify(task)}: [` : ', ';
      await write(before + JSON.stringify(row));
      if (executedAt > judgedAt) judgedAt = executedAt;
      count++;
    }
    const about = { date: judgedAt.slice(0, 'yyyy-mm-dd hh:mm'.length).replace('T', ' '), hash: source.problemsHash };
    await write(`${count === 0 ? '' : ']'}}, ${JSON.stringify(about).slice(1)}\n`);
    return count;
  },
};

/** In evalplus's words: a limit on time is `timeout`, whatever else did not pass `fail`. */
function baseStatus({ passed, outcome }: Verdict): 'pass' | 'fail' | 'timeout' {
  if (passed) return 'pass';
  return outcome.status === 'limit' && (outcome.resource === 'cpu' || outcome.resource === 'blocked') ? 'timeout' : 'fail';
}
