/**
 * How fast does the store take samples and verdicts, next to a plain insert loop of the same bytes?
 *
 *   node benchmarks/e2e/store-rate.mjs [--problems 164] [--samples 100] [--trials 3] [--folder D]
 *
 * Writes problems x samples samples with 128 tokens each and their verdicts, in batches of one problem, as a run does.
 * The roof is better-sqlite3 itself in the same run: one table, one prepared insert, the same texts and arrays, the
 * same batches and journal mode. What the store does beyond it (shards synced to disk before their rows, a column per
 * field, constraints, indexes) is what the ratio prices.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { existing, parseFlags, wholeNumber } from '../lib/flags.mjs';
import { describeMachine, foreignShare, machineLine, printReadmeRows, warnIfBusy } from '../lib/machine.mjs';
import { markdownTable } from '../lib/table.mjs';
import { trialInFreshProcess } from '../lib/trial.mjs';

const flags = parseFlags(import.meta.url, {
  problems: { type: 'string', default: '164', check: wholeNumber() },
  samples: { type: 'string', default: '100', check: wholeNumber() },
  trials: { type: 'string', default: '3', check: wholeNumber() },
  folder: { type: 'string', default: os.tmpdir(), check: existing },
});
const problems = Number(flags.problems);
const samples = Number(flags.samples);
const total = problems * samples;
const trials = path.join(path.dirname(fileURLToPath(import.meta.url)), 'trials');

const machine = describeMachine();
console.log(`Machine: ${machineLine(machine)}\n${total} samples with verdicts, batches of ${samples}`);
await warnIfBusy();

const writers = [
  { name: 'better-sqlite3 insert loop', script: path.join(trials, 'store-raw.mjs') },
  { name: 'faultline store', script: path.join(trials, 'store-faultline.mjs') },
].map((writer) => ({
  ...writer,
  results: /** @type {{seconds: number, rows: number, bytes: number, others: number, stolen: number}[]} */ ([]),
}));
for (let round = 1; round <= Number(flags.trials); round++) {
  for (const { name, script, results } of writers) {
    const folder = fs.mkdtempSync(path.join(flags.folder, 'store-rate-'));
    try {
      /** @type {(typeof results)[number]} */
      const result = await trialInFreshProcess(script, { folder, problems, samples });
      if (result.rows !== total) throw new Error(`${name}: ${result.rows} rows came back of ${total}`);
      results.push(result);
      console.log(`  ${round}: ${name}: ${result.seconds.toFixed(2)} s`);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }
}

const best = writers.map(({ results }) => Math.min(...results.map(({ seconds }) => seconds)));
const share = best[0] / best[1];
console.log('');
console.log(
  markdownTable(
    ['writer', 'seconds', 'samples/s', 'bytes on disk'],
    writers.map(({ name, results }, i) => [name, best[i].toFixed(2), (total / best[i]).toFixed(0), String(results[0].bytes)]),
  ),
);
console.log(`\nThe store runs at ${(100 * share).toFixed(0)} % of the plain loop's rate`);
const bestTrials = writers.map(({ results }) => results.reduce((a, b) => (b.seconds < a.seconds ? b : a)));
printReadmeRows(foreignShare(bestTrials), machine, [
  [
    `store, ${total} samples with verdicts`,
    `${best[1].toFixed(2)} s (${(total / best[1]).toFixed(0)}/s)`,
    `plain insert loop: ${best[0].toFixed(2)} s`,
    `**${(100 * share).toFixed(0)} %**`,
  ],
]);
