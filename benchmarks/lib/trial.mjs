/**
 * Runs each trial of a benchmark in a process of its own, so that no trial inherits warm caches, threads or a
 * fragmented heap from another, and reports what else the machine was doing meanwhile.
 */
import { fork } from 'node:child_process';
import { ownCpuSeconds, watchOthers } from './machine.mjs';

/**
 * Runs `script` with `settings` and returns what it sent.
 *
 * @template Result
 * @param {string} script path of a trial script that calls {@link runTrial}
 * @param {unknown} settings anything JSON can carry
 * @param {number} [cores] confines the trial to that many cores, by taskset; default: all
 * @returns {Promise<Result & {others: number, stolen: number}>} rejects when the script fails
 */
export function trialInFreshProcess(script, settings, cores) {
  return new Promise((resolve, reject) => {
    const stopWatch = watchOthers();
    const child = fork(script, [JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      ...(cores === undefined ? {} : { execPath: 'taskset', execArgv: ['-c', `0-${cores - 1}`, process.execPath] }),
    });
    /** @type {any} */
    let message;
    child.on('message', (received) => (message = received));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 && message !== undefined) resolve({ ...message.result, ...stopWatch(message.cpuSeconds) });
      else reject(new Error(`${script} ended with ${signal ?? code} for ${JSON.stringify(settings)}`));
    });
  });
}

/**
 * The trial script's side: calls `measure` with the settings and sends its result to the parent, with the CPU time
 * that this process, its threads and its finished children used.
 *
 * @template Settings, Result
 * @param {(settings: Settings) => Promise<Result>} measure
 */
export async function runTrial(measure) {
  const result = await measure(JSON.parse(process.argv[2]));
  await new Promise((done) => process.send?.({ result, cpuSeconds: ownCpuSeconds() }, done));
  // Some engines keep handles open after disposal; a finished trial must end.
  process.exit(0);
}
