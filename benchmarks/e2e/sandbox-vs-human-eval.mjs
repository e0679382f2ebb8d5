/**
 * How fast are HumanEval's canonical solutions judged with their full tests, next to openai/human-eval?
 *
 *   node benchmarks/e2e/sandbox-vs-human-eval.mjs [--dataset HumanEval.jsonl.gz] [--times 10] [--workers 1,2] [--trials 3] [--python P]
 *
 * faultline with all isolation on, with each number of workers, in three ways:
 *   executor             the sandbox alone (`ProcessExecutor`): each program once, nothing read, named or written
 *   execute, once        the command `faultline execute` with `sandbox.fragile: false`
 *   execute              the command as it comes: what passes is tried for fragility
 * and the peer with 1, 2 and 4 workers (4 is its default), in the same Python, on the same cores, by turns. The peer is a re-implementation of
 * how it works, see trials/human_eval_checker.py. All solutions must pass in all. Start-up is left out of all: the executor's workers, the
 * peer's imports, and of the command what it takes for a single program. Those workers that the command starts for other hash seeds, two for each
 * of its own, count: a few hundred programs are too few to see past them. Of the command it is said, too, how many cores it kept at work, from its start
 * to its end.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { existing, listOf, parseFlags, program, wholeNumber } from '../lib/flags.mjs';
import { readHumanEval } from '../lib/human-eval.mjs';
import {
  describeMachine,
  foreignShare,
  machineLine,
  ownCpuSeconds,
  printReadmeRows,
  ROOT,
  warnIfBusy,
  watchOthers,
} from '../lib/machine.mjs';
import { markdownTable } from '../lib/table.mjs';
import { trialInFreshProcess } from '../lib/trial.mjs';

const flags = parseFlags(import.meta.url, {
  dataset: { type: 'string', default: path.resolve(ROOT, '../shared/datasets/HumanEval.jsonl.gz'), check: existing },
  times: { type: 'string', default: '10', check: wholeNumber() },
  workers: { type: 'string', default: '1,2', check: listOf(wholeNumber()) },
  trials: { type: 'string', default: '3', check: wholeNumber() },
  python: { type: 'string', check: program },
});
const dataset = path.resolve(flags.dataset);
const times = Number(flags.times);
const trials = path.join(ROOT, 'benchmarks', 'e2e', 'trials');
const PEER_WORKERS = [1, 2, 4];
const EXECUTOR = 'executor';
/** @type {readonly (readonly [string, boolean])[]} What the command is called here, and `sandbox.fragile`. */
const COMMANDS = [
  ['execute, once', false],
  ['execute', true],
];
/** @type {Record<string, string>} What the rows of the README call them. */
const WORDS = {
  [EXECUTOR]: 'the executor alone',
  'execute, once': '`faultline execute`, `sandbox.fragile: false`',
  execute: '`faultline execute`',
};
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'faultline-sandbox-rate-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true }));

const machine = describeMachine();
console.log(`Machine: ${machineLine(machine)}\nHumanEval's canonical solutions, ${times} times over`);
await warnIfBusy();

/** @typedef {{rate: number, cores: number | null, others: number, stolen: number}} Rate `cores` at work all the time would take as much CPU time. */
/** @type {Map<string, Rate[]>} */
const rates = new Map();
let description = '';
for (let round = 1; round <= Number(flags.trials); round++) {
  let python = '';
  for (const workers of flags.workers.split(',').map(Number)) {
    const settings = { dataset, workers, times, python: flags.python };
    const result = await trialInFreshProcess(path.join(trials, 'sandbox-canonical.mjs'), settings);
    keep(`${EXECUTOR}, ${workers}`, result.executions, result);
    python = result.pythonPath;
    description = `tier ${result.tier}, Python ${result.pythonVersion}`;
    for (const [name, fragile] of COMMANDS) keep(`${name}, ${workers}`, 164 * times, await commandTrial(python, workers, fragile));
  }
  // Once over is enough: it is slow, and has no start-up that would have to be spread.
  for (const workers of PEER_WORKERS) keep(`human-eval, ${workers}`, 164, await peerTrial(python, workers));
}

/** @type {[string, Rate][]} */
const best = [...rates].map(([name, all]) => [name, all.reduce((a, b) => (b.rate > a.rate ? b : a))]);
const rateOf = (/** @type {string} */ name) => best.find(([other]) => other === name)?.[1].rate ?? NaN;
const workersOf = (/** @type {string} */ name) => name.split(', ').at(-1);
const peerBest = Math.max(...PEER_WORKERS.map((workers) => rateOf(`human-eval, ${workers}`)));
console.log('');
console.log(
  markdownTable(
    ['contestant, workers', 'solutions/s', 'to human-eval with 1', 'to its best', 'to the executor', 'cores at work'],
    best.map(([name, { rate, cores }]) => [
      name,
      rate.toFixed(1),
      `${(rate / rateOf('human-eval, 1')).toFixed(2)}x`,
      `${(rate / peerBest).toFixed(2)}x`,
      name.startsWith('human-eval') ? '' : `${(rate / rateOf(`${EXECUTOR}, ${workersOf(name)}`)).toFixed(2)}x`,
      cores === null ? '' : cores.toFixed(2),
    ]),
  ),
);
console.log(`\n${description}`);
printReadmeRows(
  foreignShare(best.map(([, trial]) => trial)),
  machine,
  best
    .filter(([name]) => !name.startsWith('human-eval'))
    .map(([name, { rate, cores }]) => [
      `sandbox, HumanEval's canonical solutions with full tests, ${WORDS[name.slice(0, name.lastIndexOf(','))]}, workers: ${workersOf(name)}, ${description}`,
      `${rate.toFixed(0)}/s${cores === null ? '' : `, ${cores.toFixed(2)} cores at work`}`,
      `openai/human-eval (re-implemented): ${rateOf('human-eval, 1').toFixed(0)}/s with 1 worker, ${peerBest.toFixed(0)}/s at best`,
      `**${(rate / rateOf('human-eval, 1')).toFixed(2)}x**, **${(rate / peerBest).toFixed(2)}x** its best`,
    ]),
);

/** @param {string} name @param {number} executions @param {{seconds: number, passed: number, cores?: number, others: number, stolen: number}} result */
function keep(name, executions, { seconds, passed, cores = null, others, stolen }) {
  if (passed !== executions) throw new Error(`${name}: ${passed} of ${executions} canonical solutions passed`);
  const rate = executions / seconds;
  rates.set(name, [...(rates.get(name) ?? []), { rate, cores, others, stolen }]);
  console.log(`  ${name}: ${rate.toFixed(1)}/s`);
}

/**
 * The command on all solutions, `times` times over; less what it takes for one of them, which is its start and its end.
 *
 * @param {string} python
 * @param {number} workers
 * @param {boolean} fragile
 * @returns {Promise<{seconds: number, passed: number, cores: number, others: number, stolen: number}>}
 */
async function commandTrial(python, workers, fragile) {
  const problems = readHumanEval(dataset);
  // Equal programs would be executed once.
  const line = (/** @type {any} */ { task_id, canonical_solution }, /** @type {number} */ copy) =>
    `${JSON.stringify({ task_id, completion: `${canonical_solution}\n# ${copy}\n` })}\n`;
  const all = Array.from({ length: times }, (_, copy) => problems.map((problem) => line(problem, copy))).flat();
  const config = path.join(folder, 'config.yaml');
  fs.writeFileSync(config, `sandbox:\n  fragile: ${fragile}\n`);
  const run = async (/** @type {string[]} */ lines) => {
    const [samples, out] = [path.join(folder, 'samples.jsonl'), path.join(folder, 'verdicts.jsonl')];
    fs.writeFileSync(samples, lines.join(''));
    const flags = ['--problems', dataset, '--samples', samples, '--out', out, '--workers', String(workers), '--python', python];
    const start = performance.now();
    const child = spawn(process.execPath, [path.join(ROOT, 'bin', 'faultline.js'), 'execute', config, ...flags], { stdio: 'ignore' });
    const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
    if (code !== 0) throw new Error(`faultline execute ended with ${code}`);
    const verdicts = fs.readFileSync(out, 'utf8').trim().split('\n');
    return { seconds: (performance.now() - start) / 1000, passed: verdicts.filter((text) => JSON.parse(text).passed).length };
  };
  const { seconds: startAndEnd } = await run([line(problems[0], 0)]);
  const stopWatch = watchOthers();
  const before = ownCpuSeconds();
  const { seconds, passed } = await run(all);
  const cpuSeconds = ownCpuSeconds() - before;
  return { seconds: seconds - startAndEnd, passed, cores: cpuSeconds / seconds, ...stopWatch(cpuSeconds) };
}

/**
 * @param {string} python
 * @param {number} workers
 * @returns {Promise<{seconds: number, passed: number, others: number, stolen: number}>}
 */
async function peerTrial(python, workers) {
  const stopWatch = watchOthers();
  const before = process.resourceUsage();
  const child = spawn(python, [path.join(trials, 'human_eval_checker.py'), dataset, String(workers), '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`human_eval_checker.py ended with ${code}`);
  const result = JSON.parse(text);
  const after = process.resourceUsage();
  const own = (after.userCPUTime + after.systemCPUTime - before.userCPUTime - before.systemCPUTime) / 1e6;
  return { ...result, ...stopWatch(own + result.cpuSeconds) };
}
