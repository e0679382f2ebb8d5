/**
 * How fast are HumanEval's canonical solutions judged with their full tests, next to openai/human-eval?
 *
 *   node benchmarks/e2e/sandbox-vs-human-eval.mjs [--dataset HumanEval.jsonl.gz] [--times 4] [--workers 1,2] [--trials 3] [--python P]
 *
 * faultline with all isolation on, with each number of workers; the peer with 1, 2 and 4 workers (4 is its default), in the same
 * Python, on the same cores. The peer is a re-implementation of how it works, see trials/human_eval_checker.py. All solutions
 * must pass in both. Start-up is left out of both: faultline's workers, the peer's imports.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { parseFlags } from '../lib/flags.mjs';
import { describeMachine, foreignShare, machineLine, printReadmeRows, ROOT, warnIfBusy, watchOthers } from '../lib/machine.mjs';
import { markdownTable } from '../lib/table.mjs';
import { trialInFreshProcess } from '../lib/trial.mjs';

const flags = parseFlags(import.meta.url, {
  dataset: { type: 'string', default: path.resolve(ROOT, '../shared/datasets/HumanEval.jsonl.gz') },
  times: { type: 'string', default: '4' },
  workers: { type: 'string', default: '1,2' },
  trials: { type: 'string', default: '3' },
  python: { type: 'string' },
});
const dataset = path.resolve(flags.dataset);
const times = Number(flags.times);
const trials = path.join(ROOT, 'benchmarks', 'e2e', 'trials');
const PEER_WORKERS = [1, 2, 4];

const machine = describeMachine();
console.log(`Machine: ${machineLine(machine)}\nHumanEval's canonical solutions, ${times} times over`);
await warnIfBusy();

/** @typedef {{rate: number, others: number, stolen: number}} Rate */
/** @type {Map<string, Rate[]>} */
const rates = new Map();
let description = '';
for (let round = 1; round <= Number(flags.trials); round++) {
  let python = '';
  for (const workers of flags.workers.split(',').map(Number)) {
    const settings = { dataset, workers, times, python: flags.python };
    const result = await trialInFreshProcess(path.join(trials, 'sandbox-canonical.mjs'), settings);
    keep(`faultline, ${workers}`, result.executions, result);
    python = result.pythonPath;
    description = `tier ${result.tier}, Python ${result.pythonVersion}`;
  }
  // Once over is enough: it is slow, and has no start-up that would have to be spread.
  for (const workers of PEER_WORKERS) keep(`human-eval, ${workers}`, 164, await peerTrial(python, workers));
}

/** @type {[string, Rate][]} */
const best = [...rates].map(([name, all]) => [name, all.reduce((a, b) => (b.rate > a.rate ? b : a))]);
const rateOf = (/** @type {string} */ name) => best.find(([other]) => other === name)?.[1].rate ?? NaN;
const peerBest = Math.max(...PEER_WORKERS.map((workers) => rateOf(`human-eval, ${workers}`)));
console.log('');
console.log(
  markdownTable(
    ['contestant, workers', 'solutions/s', 'to human-eval with 1', 'to its best'],
    best.map(([name, { rate }]) => [
      name,
      rate.toFixed(1),
      `${(rate / rateOf('human-eval, 1')).toFixed(2)}x`,
      `${(rate / peerBest).toFixed(2)}x`,
    ]),
  ),
);
console.log(`\n${description}`);
printReadmeRows(
  foreignShare(best.map(([, trial]) => trial)),
  machine,
  best
    .filter(([name]) => name.startsWith('faultline'))
    .map(([name, { rate }]) => [
      `sandbox, HumanEval's canonical solutions with full tests, workers: ${name.split(', ')[1]}, ${description}`,
      `${rate.toFixed(0)}/s`,
      `openai/human-eval (re-implemented): ${rateOf('human-eval, 1').toFixed(0)}/s with 1 worker, ${peerBest.toFixed(0)}/s at best`,
      `**${(rate / rateOf('human-eval, 1')).toFixed(2)}x**, **${(rate / peerBest).toFixed(2)}x** its best`,
    ]),
);

/** @param {string} name @param {number} executions @param {{seconds: number, passed: number, others: number, stolen: number}} result */
function keep(name, executions, { seconds, passed, others, stolen }) {
  if (passed !== executions) throw new Error(`${name}: ${passed} of ${executions} canonical solutions passed`);
  const rate = executions / seconds;
  rates.set(name, [...(rates.get(name) ?? []), { rate, others, stolen }]);
  console.log(`  ${name}: ${rate.toFixed(1)}/s`);
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
