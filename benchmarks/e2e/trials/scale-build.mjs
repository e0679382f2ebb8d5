/** A part of ../store-scale.mjs: fills one database with a made-up study, as a run and its stage `measure` would have. */
import fs from 'node:fs';
import path from 'node:path';
import { benchmarkManifest } from '../../lib/manifest.mjs';
import { marksOf, problemRow, studySamples } from '../../lib/study-samples.mjs';
import { runTrial } from '../../lib/trial.mjs';
import { Store } from '../../../dist/store/store.js';

/** @typedef {{file: string, models: number, problems: number, samples: number}} Settings */

runTrial(async (/** @type {Settings} */ { file, models, problems, samples }) => {
  const start = performance.now();
  const store = Store.open(file);
  for (let model = 0; model < models; model++) {
    const hash = model.toString(16).padStart(2, '0').repeat(32);
    const config = JSON.stringify({ model: `model-${model}`, samples });
    const { id } = store.beginExperiment(benchmarkManifest({ name: `model-${model}`, config, hash, modelHash: hash }));
    store.addProblems(
      id,
      Array.from({ length: problems }, (_, problem) => problemRow(problem)),
    );
    store.addAssertionMarks(
      id,
      Array.from({ length: problems }, (_, problem) => marksOf(problem)),
    );
    for (let problem = 0; problem < problems; problem++) {
      const batch = studySamples(model, problem, samples);
      store.addSamples(id, batch.samples);
      store.addExecutions(id, batch.executions);
      store.putTextMeasures(id, batch.measures);
    }
    store.finishExperiment(id);
  }
  store.close();
  const shards = `${file}.shards`;
  const shardBytes = fs.readdirSync(shards).reduce((sum, name) => sum + fs.statSync(path.join(shards, name)).size, 0);
  return { seconds: (performance.now() - start) / 1000, databaseBytes: fs.statSync(file).size, shardBytes };
});
