/**
 * Does a whole study fit: ten models, 164 problems, 200 samples of each, 328,000 samples in one database?
 *
 *   node benchmarks/e2e/store-scale.mjs [--models 10] [--problems 164] [--samples 200] [--trials 1] [--keep FOLDER]
 *
 * Fills a database with made-up samples, verdicts, decisions and text measures of realistic size, and then asks what users ask: everything that a
 * report reads of one experiment, each named view for one experiment and for the whole file, words of error messages; and then it runs every
 * command that reads what is stored: a report is about one experiment, `analyze` about one or about all beside each other. The bounds are those that
 * the project has set itself: 1 s for a question, 20 s for a report, 1 GiB for the database without its token arrays. Above a bound the script ends
 * with 1. A command that writes as many rows as it reads has no bound: its figures are shown.
 * A question's time is the best of its trials; a command's figures are all of its fastest trial. Its own CPU time, which is nearly all of it, stands
 * beside its time, as a busy machine stretches that.
 *
 * With --keep the database stays in that folder and is used again by the next call; without, it is removed.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseFlags, wholeNumber } from '../lib/flags.mjs';
import { describeMachine, foreignShare, machineLine, printReadmeRows, warnIfBusy } from '../lib/machine.mjs';
import { markdownTable } from '../lib/table.mjs';
import { trialInFreshProcess } from '../lib/trial.mjs';
import { EXPORT_FORMATS } from '../../dist/reports/export/index.js';

const QUESTION_SECONDS = 1;
const REPORT_SECONDS = 20;
const DATABASE_BYTES = 2 ** 30;

const flags = parseFlags(import.meta.url, {
  models: { type: 'string', default: '10', check: wholeNumber() },
  problems: { type: 'string', default: '164', check: wholeNumber() },
  samples: { type: 'string', default: '200', check: wholeNumber() },
  trials: { type: 'string', default: '1', check: wholeNumber() },
  keep: { type: 'string' },
});
const models = Number(flags.models);
const problems = Number(flags.problems);
const samples = Number(flags.samples);
const trialCount = Number(flags.trials);
const total = models * problems * samples;
const trials = path.join(path.dirname(fileURLToPath(import.meta.url)), 'trials');
const mebibytes = (/** @type {number} */ bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
const seconds = (/** @type {number} */ value) => `${value.toFixed(value < 0.1 ? 3 : 2)} s`;

const machine = describeMachine();
console.log(`Machine: ${machineLine(machine)}\n${total} samples: ${models} models x ${problems} problems x ${samples}`);
await warnIfBusy();

/** @typedef {{others: number, stolen: number}} Foreign */
/** @typedef {{kind: string, question: string, rows: number, seconds: number}} Asked */

const folder = flags.keep ?? fs.mkdtempSync(path.join(os.tmpdir(), 'store-scale-'));
/** @type {string[]} */
const missed = [];
try {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `study-${models}-${problems}-${samples}.db`);
  // Under another name until it is whole: a build that was cut short is not used.
  const sizesFile = `${file}.json`;
  if (!fs.existsSync(sizesFile)) {
    for (const part of ['', '.shards', '-wal', '-shm']) fs.rmSync(`${file}${part}`, { recursive: true, force: true });
    /** @type {{seconds: number, databaseBytes: number, shardBytes: number}} */
    const built = await trialInFreshProcess(path.join(trials, 'scale-build.mjs'), { file, models, problems, samples });
    fs.writeFileSync(sizesFile, JSON.stringify(built));
    console.log(`Built in ${seconds(built.seconds)}, ${(total / built.seconds).toFixed(0)} samples/s`);
  }
  const sizes = /** @type {{databaseBytes: number, shardBytes: number}} */ (JSON.parse(fs.readFileSync(sizesFile, 'utf8')));

  // Neither the oldest nor the newest: its rows stand in the middle of the file.
  const name = `model-${Math.floor(models / 2)}`;
  /** @type {({answers: Asked[]} & Foreign)[]} */
  const asked = [];
  for (let trial = 0; trial < trialCount; trial++)
    asked.push(await trialInFreshProcess(path.join(trials, 'scale-queries.mjs'), { file, name }));
  const answers = asked[0].answers.map((answer, i) => ({ ...answer, seconds: Math.min(...asked.map((each) => each.answers[i].seconds)) }));

  const made = path.join(folder, 'made');
  const all = Array.from({ length: models }, (_, model) => `model-${model}`);
  const onIt = ['--experiment', name, '--db', file];
  const one = problems * samples;
  const task = `Made/${Math.min(7, problems - 1)}`;
  /** @type {{what: string, rows: number, bound: number | null, parameters: string[]}[]} */
  const commands = [
    { what: 'report', rows: one, bound: REPORT_SECONDS, parameters: ['report', ...onIt, '--outputs', path.join(made, 'outputs')] },
    { what: 'analyze', rows: one, bound: REPORT_SECONDS, parameters: ['analyze', ...onIt, '--output', path.join(made, 'analysis.json')] },
    ...(models > 1
      ? [
          {
            what: 'analyze of all',
            rows: total,
            bound: REPORT_SECONDS,
            parameters: ['analyze', '--experiment', all.join(','), '--db', file],
          },
          { what: 'diff', rows: 2 * one, bound: REPORT_SECONDS, parameters: ['diff', name, all[0], '--db', file] },
        ]
      : []),
    {
      what: 'annotate draw',
      rows: one,
      bound: REPORT_SECONDS,
      parameters: ['annotate', 'draw', ...onIt, '--output', path.join(made, 'labels')],
    },
    { what: 'show', rows: 1, bound: QUESTION_SECONDS, parameters: ['show', task, String(Math.min(7, samples - 1)), ...onIt] },
    { what: 'show of a task', rows: samples, bound: QUESTION_SECONDS, parameters: ['show', task, ...onIt] },
    {
      what: 'query of a view',
      rows: one,
      bound: QUESTION_SECONDS,
      parameters: ['query', `select * from category_counts where experiment = '${name}'`, '--db', file],
    },
    ...EXPORT_FORMATS.map(({ name: format }) => ({
      what: `export --format ${format}`,
      rows: one,
      bound: null,
      parameters: ['export', '--format', format, ...onIt, '--output', path.join(made, format)],
    })),
    { what: 'merge', rows: one, bound: null, parameters: ['merge', file, '--experiment', name, '--output', path.join(made, 'merged.db')] },
  ];
  /** @type {((typeof commands)[number] & {seconds: number, cpu: number, peakBytes: number} & Foreign)[]} */
  const ran = [];
  for (const command of commands) {
    /** @type {(typeof ran)[number] | null} */
    let best = null;
    for (let trial = 0; trial < trialCount; trial++) {
      fs.rmSync(made, { recursive: true, force: true });
      fs.mkdirSync(made);
      /** @type {{seconds: number, cpu: number, peakBytes: number} & Foreign} */
      const taken = await trialInFreshProcess(path.join(trials, 'scale-command.mjs'), { parameters: command.parameters });
      if (best === null || taken.seconds < best.seconds) best = { ...command, ...taken };
    }
    if (best !== null) ran.push(best);
  }
  fs.rmSync(made, { recursive: true, force: true });

  /** @type {{what: string, rows: string, figure: string, cpu?: string, memory?: string, bound: string, isMissed: boolean}[]} */
  const rows = answers.map(({ kind, question, rows: found, seconds: taken }) => ({
    what: `${kind}: ${question}`,
    rows: String(found),
    figure: seconds(taken),
    bound: seconds(QUESTION_SECONDS),
    isMissed: taken > QUESTION_SECONDS,
  }));
  for (const { what, rows: read, seconds: taken, cpu, peakBytes, bound } of ran) {
    rows.push({
      what: `faultline ${what}`,
      rows: String(read),
      figure: seconds(taken),
      cpu: seconds(cpu),
      memory: mebibytes(peakBytes),
      bound: bound === null ? 'none' : seconds(bound),
      isMissed: bound !== null && taken > bound,
    });
  }
  rows.push({
    what: 'database',
    rows: String(total),
    figure: mebibytes(sizes.databaseBytes),
    bound: mebibytes(DATABASE_BYTES),
    isMissed: sizes.databaseBytes > DATABASE_BYTES,
  });
  rows.push({ what: 'token arrays beside it', rows: String(total), figure: mebibytes(sizes.shardBytes), bound: 'none', isMissed: false });
  console.log('');
  console.log(
    markdownTable(
      ['what', 'rows', 'figure', 'CPU time', 'memory', 'bound', ''],
      rows.map(({ what, rows: found, figure, cpu = '', memory = '', bound, isMissed }) => [
        what,
        found,
        figure,
        cpu,
        memory,
        bound,
        isMissed ? 'MISSED' : '',
      ]),
    ),
  );
  missed.push(...rows.filter(({ isMissed }) => isMissed).map(({ what, figure, bound }) => `${what}: ${figure}, at most ${bound}`));

  const slowest = answers.reduce((a, b) => (b.seconds > a.seconds ? b : a));
  const size = `${total} samples of ${models} experiments`;
  const [report] = ran;
  printReadmeRows(foreignShare([...asked, ...ran]), machine, [
    [`store, ${size}: slowest question, ${slowest.kind}: ${slowest.question}`, seconds(slowest.seconds), seconds(QUESTION_SECONDS), ''],
    [
      `report of ${problems * samples} samples, with ${size} in the database`,
      seconds(report.seconds),
      seconds(REPORT_SECONDS),
      `**${((100 * report.seconds) / REPORT_SECONDS).toFixed(0)} %**`,
    ],
    [
      `database, ${size}`,
      mebibytes(sizes.databaseBytes),
      mebibytes(DATABASE_BYTES),
      `**${((100 * sizes.databaseBytes) / DATABASE_BYTES).toFixed(0)} %**`,
    ],
  ]);
} finally {
  if (flags.keep === undefined) fs.rmSync(folder, { recursive: true, force: true });
}
if (missed.length > 0) {
  console.error(`\nBounds missed:\n  ${missed.join('\n  ')}`);
  process.exit(1);
}
