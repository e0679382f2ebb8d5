/** One trial of ../store-rate.mjs: the store takes every sample and verdict, problem by problem. */
import fs from 'node:fs';
import path from 'node:path';
import { judgedSamples, problemRow } from '../../lib/judged-samples.mjs';
import { benchmarkManifest } from '../../lib/manifest.mjs';
import { runTrial } from '../../lib/trial.mjs';
import { Store } from '../../../dist/store/store.js';

runTrial(async (/** @type {{folder: string, problems: number, samples: number}} */ { folder, problems, samples }) => {
  const rows = Array.from({ length: problems }, (_, problem) => judgedSamples(problem, samples));
  const start = performance.now();
  const store = Store.open(path.join(folder, 'store.db'));
  const { id } = store.beginExperiment(benchmarkManifest({ name: 'store-rate' }));
  store.addProblems(
    id,
    Array.from({ length: problems }, (_, problem) => problemRow(problem)),
  );
  for (const batch of rows) {
    store.addSamples(id, batch.samples);
    store.addExecutions(id, batch.executions);
  }
  store.finishExperiment(id);
  const count = store.counts(id).executed;
  store.close();
  const seconds = (performance.now() - start) / 1000;
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((sum, entry) => sum + fs.statSync(path.join(entry.parentPath, entry.name)).size, 0);
  return { seconds, rows: count, bytes };
});
