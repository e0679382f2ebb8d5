/** `faultline run` as trackers see it: events of the whole run, and Weights & Biases where the config asks for it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { faultline, readLines, scratchFolder } from './faultline.js';

const folder = scratchFolder();
const run = ['run', '--num-problems', '2', '--samples', '2', '--max-new-tokens', '16', '--outputs', 'out'];
const env = { FAULTLINE_TRACKING_USE_WANDB: 'true' };

it('without the package, one sentence ends the run before anything begins', async () => {
  const { code, err } = await faultline(run, { cwd: folder, env });
  expect(code).toBe(4);
  expect(err).toBe(
    'error: tracking.use_wandb is on, and the package @wandb/sdk is not installed\n' +
      'hint: Install it with `npm install @wandb/sdk`, or set tracking.use_wandb to false.\n',
  );
  expect(existsSync(path.join(folder, 'out'))).toBe(false);
});

it('with it, both are told of start, stages, progress, summary and end', async () => {
  const place = path.join(folder, 'node_modules', '@wandb', 'sdk');
  mkdirSync(place, { recursive: true });
  writeFileSync(
    path.join(place, 'index.js'),
    `const { appendFileSync } = require('node:fs');
     const note = (name) => (...all) => appendFileSync('wandb.jsonl', JSON.stringify([name, ...all]) + '\\n');
     module.exports = { init: async (...all) => note('init')(...all), log: note('log'), finish: async (...all) => note('finish')(...all) };`,
  );
  const { code, err } = await faultline(run, { cwd: folder, env });
  expect(code, err).toBe(0);
  const events = readLines(path.join(folder, 'out', 'pico-gpt2-py-pico-tasks', 'events.jsonl'));
  const names = events.map(({ event }) => event);
  expect([names[0], names.at(-2), names.at(-1)]).toEqual(['run_start', 'summary', 'run_end']);
  expect(new Set(events.map((each) => each['run'])).size).toBe(1);
  expect(events[0]).toMatchObject({ config: { samples: 2, seed: '1' }, stages: ['generate', 'execute', 'classify', 'measure', 'report'] });
  expect(events.filter(({ event }) => event === 'stage_end').map(({ stage, done }) => [stage, done])).toEqual(
    expect.arrayContaining([
      ['generate', 4],
      ['execute', 4],
    ]),
  );
  expect(events).toContainEqual(expect.objectContaining({ event: 'progress', task: 'generate', done: 4, total: 4 }));
  const calls = readFileSync(path.join(folder, 'wandb.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as [string, Record<string, unknown>]);
  expect(calls[0]).toMatchObject(['init', { project: 'faultline', name: 'pico-gpt2-py-pico-tasks', config: { samples: 2 } }]);
  expect(calls.at(-1)).toEqual(['finish', 0]);
  expect(calls.some(([name, data]) => name === 'log' && 'crash_rate' in data)).toBe(true);
});

it('where the service refuses, the run ends, and its events have their beginning and their end', async () => {
  const cwd = path.join(folder, 'refused');
  const place = path.join(cwd, 'node_modules', '@wandb', 'sdk');
  mkdirSync(place, { recursive: true });
  writeFileSync(
    path.join(place, 'index.js'),
    "module.exports = { init: async () => { throw new Error('no key'); }, log: () => {}, finish: async () => {} };",
  );
  const { code, err } = await faultline(run, { cwd, env });
  expect([code, err]).toEqual([4, expect.stringMatching(/^error: Weights & Biases: no key\nhint: .*WANDB_API_KEY/m)]);
  const events = readLines(path.join(cwd, 'out', 'pico-gpt2-py-pico-tasks', 'events.jsonl'));
  expect(events.map(({ event, kind }) => [event, kind])).toEqual([
    ['run_start', undefined],
    ['run_failure', 'environment'],
  ]);
});
