/**
 * How many programs a second does the sandbox judge, next to how fast a warm Python interpreter can fork at all?
 *
 *   node benchmarks/e2e/sandbox-rate.mjs [--executions 4000] [--workers 1,2] [--trials 3] [--python P] [--unsafe]
 *
 * Trivial programs that pass, so that the figure is the price of an execution itself: isolation, fork, judge, protocol,
 * limits. The roof is the bare loop in the same run: as many Python processes as workers, with the same modules loaded,
 * that fork a child which exits at once, and wait for it. N workers have N cores, Node, judges and all (taskset), and so have
 * N bare loops, so that a share is one per core. Start-up of the sandbox (launch, warming, calibration) is printed apart.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { listOf, parseFlags, program, wholeNumber } from '../lib/flags.mjs';
import { describeMachine, foreignShare, machineLine, printReadmeRows, ROOT, warnIfBusy } from '../lib/machine.mjs';
import { markdownTable } from '../lib/table.mjs';
import { trialInFreshProcess } from '../lib/trial.mjs';

const flags = parseFlags(import.meta.url, {
  executions: { type: 'string', default: '4000', check: wholeNumber() },
  workers: { type: 'string', default: '1,2', check: listOf(wholeNumber()) },
  trials: { type: 'string', default: '3', check: wholeNumber() },
  python: { type: 'string', check: program },
  unsafe: { type: 'boolean', default: false },
});
const executions = Number(flags.executions);
const workersList = flags.workers.split(',').map(Number);
const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'trials', 'sandbox-faultline.mjs');

/** The folder whose list of modules zygote and bare loop load alike. */
const scripts = path.join(ROOT, 'dist', 'sandbox', 'python');
/** `candidate` and `link` import what the zygote needs besides the list. */
const FORK_LOOP = `
import mmap, os, select, sys, time
sys.path.insert(0, sys.argv[1])
import candidate, link, warm
warm.load()
count = int(sys.argv[2])
start = time.perf_counter()
for _ in range(count):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
print(time.perf_counter() - start)
`;

const machine = describeMachine();
console.log(`Machine: ${machineLine(machine)}\n${executions} trivial programs`);
await warnIfBusy();

/** @type {Map<number, {bare: number[], sandbox: {seconds: number, startSeconds: number, passed: number, tier: string, python: string, pythonPath: string, others: number, stolen: number}[]}>} */
const results = new Map(workersList.map((workers) => [workers, { bare: [], sandbox: [] }]));
for (let round = 1; round <= Number(flags.trials); round++) {
  for (const [workers, { bare, sandbox }] of results) {
    /** @type {(typeof sandbox)[number]} */
    const result = await trialInFreshProcess(script, { executions, workers, python: flags.python, unsafe: flags.unsafe }, workers);
    if (result.passed !== executions) throw new Error(`${result.passed} of ${executions} trivial programs passed`);
    sandbox.push(result);
    bare.push(await bareForkSeconds(workers, result.pythonPath));
    console.log(`  ${round}: ${workers} workers: sandbox ${result.seconds.toFixed(2)} s, bare fork ${bare.at(-1)?.toFixed(2)} s`);
  }
}

const rows = [...results].map(([workers, { bare, sandbox }]) => {
  const best = sandbox.reduce((a, b) => (b.seconds < a.seconds ? b : a));
  return { workers, best, rate: executions / best.seconds, roof: executions / Math.min(...bare) };
});
console.log('');
console.log(
  markdownTable(
    ['workers', 'seconds', 'executions/s', 'bare forks/s', 'share of the bare fork rate', 'start-up, s'],
    rows.map(({ workers, best, rate, roof }) => [
      String(workers),
      best.seconds.toFixed(2),
      rate.toFixed(0),
      roof.toFixed(0),
      `${((100 * rate) / roof).toFixed(0)} %`,
      best.startSeconds.toFixed(2),
    ]),
  ),
);
const { tier, python } = rows[0].best;
console.log(`\nTier ${tier}, Python ${python}`);
printReadmeRows(
  foreignShare(rows.map(({ best }) => best)),
  machine,
  rows.map(({ workers, best, rate, roof }) => [
    `sandbox, ${executions} trivial programs, ${workers} worker${workers === 1 ? '' : 's'} on as many cores, tier ${tier}`,
    `${best.seconds.toFixed(2)} s (${rate.toFixed(0)}/s)`,
    `bare fork: ${roof.toFixed(0)}/s`,
    `**${((100 * rate) / roof).toFixed(0)} %**`,
  ]),
);

/** Seconds until `workers` bare loops, side by side, have forked `executions` times together. */
async function bareForkSeconds(/** @type {number} */ workers, /** @type {string} */ python) {
  const share = String(Math.ceil(executions / workers));
  const loops = Array.from({ length: workers }, () => {
    const command = ['-c', `0-${workers - 1}`, python, '-I', '-S', '-B', '-c', FORK_LOOP, scripts, share];
    const child = spawn('taskset', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    return new Promise((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (chunk) => (text += chunk));
      child.on('error', reject);
      child.on('close', (code) => (code === 0 ? resolve(Number(text)) : reject(new Error(`${python} ended with ${code}`))));
    });
  });
  return Math.max(...(await Promise.all(loops)));
}
