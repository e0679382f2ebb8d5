/** The stage `execute`: from stored samples to stored verdicts. Judging them is `../execute.ts`'s, the sandbox `src/sandbox/`. */
import { plural, whole } from '../../reports/render/format.js';
import type { Verdict } from '../../sandbox/verdict.js';
import type { Store } from '../../store/store.js';
import type { ExecutionRow, PendingExecution } from '../../store/types.js';
import { hasUnmarked, markAssertions } from '../assertion-marks.js';
import { BatchWriter } from '../batch-writer.js';
import { classifyStored } from '../classify.js';
import { executionEstimate } from '../calibration.js';
import { executeAll, type Executable, type ExecuteOptions } from '../execute.js';
import { machineRecorder } from '../machine.js';
import type { Workbench } from '../workbench.js';
import type { Stage } from './stage.js';

export const stage: Stage = {
  there({ store, experiment }) {
    if (experiment === null) return 0;
    const { executed, infra } = store.counts(experiment.id);
    return executed + infra;
  },

  async prepare(bench) {
    await bench.loadTokenizer();
    const { experiment } = bench;
    if (!bench.hasExecutions() && (experiment === null || !hasUnmarked(bench.store, experiment.id))) return;
    const { tier, tierReason } = (await bench.openExecutor()).info;
    if (tierReason !== null) bench.progress.note(`isolation: ${tier} (${tierReason})`);
  },

  async estimate(bench, asked) {
    const { executor, values, view, signal, experiment, store } = bench;
    if (executor === null) return null;
    const executed = experiment === null ? 0 : store.counts(experiment.id).executed;
    const work = { left: bench.expected().samples - executed, problems: (await bench.ahead()).problems };
    return executionEstimate(work, asked, { executor, seed: values.seed, view, fragile: values['sandbox.fragile'], signal });
  },

  async work(bench, signal) {
    const { store, values, view, progress, executor, stored } = bench;
    const { id } = bench.begun();
    const before = store.counts(id).executed;
    if (executor !== null) {
      // Before the first verdict, so that whatever has verdicts has them.
      await markAssertions(store, id, { executor, seed: values.seed, signal, note: (text) => progress.note(text) });
      const task = progress.task('execute', bench.total(), before);
      const tokensOf = bench.tokensOf();
      await storeVerdicts(
        store,
        id,
        stored,
        { executor, seed: values.seed, view, fragile: values['sandbox.fragile'], tokensOf, signal, engineCpu: bench.model?.info.cpu },
        () => {
          task.advance();
        },
      );
    }
    const done = store.counts(id).executed - before;
    return { done, skipped: before, text: `${plural(done, 'verdict')}, ${whole(before)} were there` };
  },
};

/**
 * Executes what `source` gives and stores the verdicts, in batches, those of an unfinished batch when the source ends or fails. Decides again
 * first about verdicts that are there under other categories: no decision of this config stands beside one of another.
 */
export async function storeVerdicts(
  store: Store,
  experimentId: number,
  source: AsyncIterable<PendingExecution> | Iterable<PendingExecution>,
  options: Omit<ExecuteOptions<PendingExecution>, 'known' | 'tokensOf'> & {
    readonly tokensOf?: ReturnType<Workbench['tokensOf']>;
    /** The engine's name for the processor, where it is loaded. */
    readonly engineCpu?: string | undefined;
  },
  onVerdict: () => void,
): Promise<void> {
  const recorded = store.experiments().find(({ id }) => id === experimentId);
  if (recorded?.categorySettings !== options.view.settings) await classifyStored(store, experimentId, options);
  const recordMachine = machineRecorder(store, experimentId, 'execute', options.engineCpu);
  const writer = new BatchWriter<ExecutionRow>((batch) => {
    recordMachine();
    store.addExecutions(experimentId, batch);
  });
  try {
    // A resumed run goes on from the verdicts that are there, and a long one from those that it no longer holds.
    const known = ({ taskId, completion }: Executable): Verdict | null => store.verdictOf(experimentId, taskId, completion);
    await executeAll(source, { ...options, known }, ({ strategy, taskId, sampleIndex }, { verdict, decision }) => {
      writer.add({ strategy, taskId, sampleIndex, verdict, ...decision });
      onVerdict();
    });
  } finally {
    writer.flush();
  }
}
