/** A part of ../store-scale.mjs: one whole command of faultline, from its start to its end. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ROOT } from '../../lib/machine.mjs';
import { runTrial } from '../../lib/trial.mjs';

runTrial(async (/** @type {{parameters: string[]}} */ { parameters }) => {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [path.join(ROOT, 'bin', 'faultline.js'), ...parameters], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`faultline ${parameters.join(' ')} ended with ${status}: ${stderr}`);
  return { seconds: (performance.now() - start) / 1000 };
});
