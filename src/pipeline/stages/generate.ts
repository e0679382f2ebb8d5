/** The stage `generate`: from problems to stored samples. Drawing them is `../generate.ts`'s. */
import { heldBy } from '../../config/shard.js';
import type { Problem } from '../../datasets/problem.js';
import { plural, whole } from '../../reports/render/format.js';
import type { Store } from '../../store/store.js';
import type { Experiment, SampleRow } from '../../store/types.js';
import { BatchWriter } from '../batch-writer.js';
import { generationEstimate, meanTokens } from '../calibration.js';
import { strategyOf } from '../draws.js';
import { checkGeneration, generateSamples, type GenerationTask } from '../generate.js';
import { machineRecorder } from '../machine.js';
import { shardsToRun } from '../work-shards.js';
import type { Stage } from './stage.js';

export const stage: Stage = {
  there: ({ store, experiment }) => (experiment === null ? 0 : store.counts(experiment.id).samples),

  async prepare(bench) {
    const { config, values, signal } = bench;
    const { problems } = await bench.loadProblems();
    const model = await bench.loadModel();
    bench.findPlanned();
    const { store, experiment } = bench;
    const held = experiment === null ? null : store.workShards(experiment.id);
    bench.shards = shardsToRun(config, held, problems.length);
    bench.tasks = missingTasks(store, experiment, heldBy(bench.shards, problems), values);
    await checkGeneration(model, values, bench.tasks, signal);
  },

  estimate: (bench, asked) => generationEstimate(bench, asked, meanTokens(bench)),

  async work(bench, signal) {
    const { store, values, progress, stored } = bench;
    const { id } = bench.begun();
    const before = store.counts(id).samples;
    try {
      if (bench.tasks.length > 0) {
        const task = progress.task('generate', bench.total(), before);
        const model = await bench.loadModel();
        await storeSamples(store, id, generateSamples(model, values, bench.tasks, signal), {
          engineCpu: model.info.cpu,
          onSample: () => {
            task.advance();
          },
          onStored: () => {
            stored.announce();
          },
        });
      }
    } finally {
      stored.close();
    }
    const done = store.counts(id).samples - before;
    return { done, skipped: before, text: `${plural(done, 'sample')} drawn, ${whole(before)} were there` };
  },
};

/**
 * Stores samples as they come, in batches, those of an unfinished batch when the source ends or fails. Each gets an even share of the time by
 * the clock since the batch before it: in a batch of the engine no sample has a time of its own. `engineCpu` is the engine's name for the processor.
 */
export async function storeSamples(
  store: Store,
  experimentId: number,
  samples: AsyncIterable<SampleRow>,
  { engineCpu, onSample, onStored }: { readonly engineCpu: string; readonly onSample: () => void; readonly onStored: () => void },
): Promise<void> {
  // A sample goes to the sandbox when it is stored, so that no verdict can be without its sample.
  let since = performance.now();
  const recordMachine = machineRecorder(store, experimentId, 'draw', engineCpu);
  const writer = new BatchWriter<SampleRow>((batch) => {
    const now = performance.now();
    const drawSeconds = (now - since) / 1000 / batch.length;
    since = now;
    recordMachine();
    store.addSamples(experimentId, batch.map((sample) => ({ ...sample, drawSeconds }))); // prettier-ignore
    onStored();
  });
  try {
    for await (const sample of samples) {
      writer.add(sample);
      onSample();
    }
  } finally {
    writer.flush();
  }
}

/** The samples that the store does not have, by problem; problems without any are left out. */
function missingTasks(
  store: Store,
  experiment: Experiment | null,
  problems: readonly Problem[],
  values: Parameters<typeof strategyOf>[0] & { readonly samples: number },
): GenerationTask[] {
  const done = experiment === null ? null : store.doneSampleKeys(experiment.id, strategyOf(values).strategy.name);
  const indices = Array.from({ length: values.samples }, (_, index) => index);
  return problems
    .map((problem) => ({ problem, sampleIndices: indices.filter((index) => done?.get(problem.taskId)?.has(index) !== true) }))
    .filter(({ sampleIndices }) => sampleIndices.length > 0);
}
