/**
 * A run as the store sees it: samples and executions in batches, some of them long done, then finished. Holds no test;
 * `kill.test.ts` runs it in a child process and kills that, then runs it again.
 */
import { Store } from '../../../src/store/store.js';
import { execution, manifest, problems, sample } from '../../unit/store/rows.js';

const PROBLEMS = 8;
const SAMPLES = 12;
const BATCH = 7;

/** Brings the experiment in `file` to its end, whatever is there already; times differ with `clock`, results do not. */
export function runToEnd(file: string, clock: number, onBatch: () => void = () => undefined): string {
  const store = Store.open(file);
  try {
    const rows = problems(PROBLEMS);
    const byTask = new Map(rows.map((row) => [row.taskId, row]));
    const { id } = store.beginExperiment(manifest());
    store.addProblems(id, rows);
    const done = store.doneSampleKeys(id, 'nucleus');
    const missing = rows.flatMap((row) =>
      Array.from({ length: SAMPLES }, (_, index) => sample(row, index)).filter(
        ({ sampleIndex }) => done.get(row.taskId)?.has(sampleIndex) !== true,
      ),
    );
    for (let at = 0; at < missing.length; at += BATCH) {
      store.addSamples(id, missing.slice(at, at + BATCH));
      onBatch();
      const pending = [...store.pendingExecutions(id)].slice(0, BATCH - 2);
      store.addExecutions(
        id,
        pending.map(({ taskId, sampleIndex }) => execution(byTask.get(taskId)!, sampleIndex, clock)),
      );
      onBatch();
    }
    const pending = [...store.pendingExecutions(id)];
    store.addExecutions(
      id,
      pending.map(({ taskId, sampleIndex }) => execution(byTask.get(taskId)!, sampleIndex, clock)),
    );
    store.finishExperiment(id);
    return store.resultDigest(id);
  } finally {
    store.close();
  }
}
