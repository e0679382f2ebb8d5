/** A part of ../store-scale.mjs: one whole command of faultline, from its start to its end, with the CPU time and the memory that it took. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from '../../lib/machine.mjs';
import { runTrial } from '../../lib/trial.mjs';

runTrial(async (/** @type {{parameters: string[]}} */ { parameters }) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'scale-usage-'));
  try {
    const file = path.join(folder, 'usage.json');
    const start = performance.now();
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', new URL('scale-usage.mjs', import.meta.url).href, path.join(ROOT, 'bin', 'faultline.js'), ...parameters],
      { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', env: { ...process.env, USAGE_FILE: file } },
    );
    const seconds = (performance.now() - start) / 1000;
    if (status !== 0) throw new Error(`faultline ${parameters.join(' ')} ended with ${status}: ${stderr}`);
    const { peakBytes, cpu } = /** @type {{peakBytes: number, cpu: number}} */ (JSON.parse(fs.readFileSync(file, 'utf8')));
    return { seconds, cpu, peakBytes };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
