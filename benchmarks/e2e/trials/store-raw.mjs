/** One trial of the roof of ../store-rate.mjs: a plain better-sqlite3 insert loop of the same bytes. */
import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { bytesOf } from '../../lib/gguf-writer.mjs';
import { judgedSamples } from '../../lib/judged-samples.mjs';
import { runTrial } from '../../lib/trial.mjs';

runTrial(async (/** @type {{folder: string, problems: number, samples: number}} */ { folder, problems, samples }) => {
  const rows = Array.from({ length: problems }, (_, problem) => judgedSamples(problem, samples));
  const start = performance.now();
  const file = path.join(folder, 'raw.db');
  const database = new Database(file);
  // The store's own settings, so that the journal is not what is compared.
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.exec(
    'CREATE TABLE rows (task TEXT, sample INTEGER, completion TEXT, raw TEXT, finish TEXT, tokens BLOB, logprobs BLOB, entropies BLOB, verdict TEXT)',
  );
  const insert = database.prepare('INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const addBatch = database.transaction((/** @type {ReturnType<typeof judgedSamples>} */ batch) => {
    batch.samples.forEach((s, i) => {
      const arrays = [s.tokens, s.logprobs, s.entropies].map((array) => Buffer.from(bytesOf(array)));
      insert.run(s.taskId, s.sampleIndex, s.completion, s.rawText, s.finishReason, ...arrays, JSON.stringify(batch.executions[i]));
    });
  });
  for (const batch of rows) addBatch(batch);
  const count = /** @type {{n: number}} */ (database.prepare('SELECT count(*) AS n FROM rows').get()).n;
  database.close();
  const seconds = (performance.now() - start) / 1000;
  return { seconds, rows: count, bytes: fs.statSync(file).size };
});
