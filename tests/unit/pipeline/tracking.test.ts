/** Trackers: lines that are appended and whole, and a package of a test's own in the place of Weights & Biases. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { Progress } from '../../../src/pipeline/progress.js';
import { closeFailed, together } from '../../../src/pipeline/tracking/index.js';
import { EVENTS_FILE, JsonlTracker } from '../../../src/pipeline/tracking/jsonl.js';
import type { Tracker } from '../../../src/pipeline/tracking/tracker.js';
import { loadWandb, WandbTracker } from '../../../src/pipeline/tracking/wandb.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-tracking-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('events.jsonl', () => {
  it('is appended to by every run, also behind half a line, and never rewritten', async () => {
    const directory = path.join(folder, 'a', 'b');
    const file = path.join(directory, EVENTS_FILE);
    const first = new JsonlTracker({ directory });
    first.record({ event: 'stage_start', stage: 'generate' });
    await first.close();
    const before = readFileSync(file, 'utf8');
    appendFileSync(file, '{"at":"20');
    const second = new JsonlTracker({ directory });
    second.record({ event: 'run_end', samples: 1, verdicts: 2 });
    await second.close();
    const text = readFileSync(file, 'utf8');
    expect(text.startsWith(before)).toBe(true);
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    const [a, b] = [JSON.parse(lines[0]!), JSON.parse(lines[2]!)] as Record<string, unknown>[];
    expect(a).toMatchObject({ event: 'stage_start', stage: 'generate' });
    expect(b).toMatchObject({ event: 'run_end', samples: 1, verdicts: 2 });
    expect(a!['run']).not.toBe(b!['run']);
  });

  it('says which file cannot be written', () => {
    mkdirSync(path.join(folder, EVENTS_FILE));
    expect(() => new JsonlTracker({ directory: folder })).toThrow(path.join(folder, EVENTS_FILE));
  });
});

describe('Weights & Biases', () => {
  const install = (code: string): void => {
    const place = path.join(folder, 'node_modules', '@wandb', 'sdk');
    mkdirSync(place, { recursive: true });
    writeFileSync(path.join(place, 'package.json'), '{ "name": "@wandb/sdk", "main": "index.cjs" }');
    writeFileSync(path.join(place, 'index.cjs'), code);
  };

  it('is asked for by name and command where it is not installed', async () => {
    await expect(loadWandb(folder)).rejects.toMatchObject({
      kind: 'environment',
      message: 'tracking.use_wandb is on, and the package @wandb/sdk is not installed',
      hint: expect.stringContaining('npm install @wandb/sdk') as string,
    });
  });

  it('receives init, log and finish', async () => {
    install(`
      const calls = (globalThis.wandbCalls = []);
      exports.default = {
        init: async (...all) => calls.push(['init', ...all]),
        log: (...all) => calls.push(['log', ...all]),
        finish: async (...all) => calls.push(['finish', ...all]),
      };`);
    const sdk = await loadWandb(folder);
    const tracker = await WandbTracker.open(sdk, { directory: folder, experiment: 'demo', project: 'p', config: { samples: 3 } });
    tracker.record({ event: 'stage_start', stage: 'generate' });
    tracker.record({ event: 'progress', task: 'generate', done: 4, total: 9 });
    tracker.record({ event: 'summary', metrics: { 'pass@1': 0.5 } });
    await tracker.close(false);
    expect((globalThis as { wandbCalls?: unknown }).wandbCalls).toEqual([
      ['init', { project: 'p', name: 'demo', config: { samples: 3 } }],
      ['log', { 'progress/generate': 4 }],
      ['log', { 'pass@1': 0.5 }],
      ['finish', 1],
    ]);
  });

  it('says what it refused, and what is no such package', async () => {
    install(`exports.init = async () => { throw new Error('no key'); }; exports.log = () => {}; exports.finish = async () => {};`);
    const context = { directory: folder, experiment: 'demo', project: 'p', config: {} };
    await expect(WandbTracker.open(await loadWandb(folder), context)).rejects.toMatchObject({
      kind: 'environment',
      message: 'Weights & Biases: no key',
    });
    rmSync(path.join(folder, 'node_modules'), { recursive: true });
    const other = path.join(folder, 'other', 'node_modules', '@wandb', 'sdk');
    mkdirSync(other, { recursive: true });
    writeFileSync(path.join(other, 'index.js'), 'module.exports = {};');
    await expect(loadWandb(path.join(folder, 'other'))).rejects.toThrow('has no init, log and finish');
  });
});

describe('several trackers', () => {
  it('are told and closed each, whatever another one does, and the first error comes out', async () => {
    const calls: unknown[] = [];
    const tracker = (name: string, fails: boolean): Tracker => ({
      record: ({ event }) => {
        calls.push([name, event]);
        if (fails) throw new Error(`${name} cannot record`);
      },
      close: (ok) => {
        calls.push([name, 'close', ok]);
        return fails ? Promise.reject(new Error(`${name} cannot close`)) : Promise.resolve();
      },
    });
    const all = together([tracker('a', true), tracker('b', true), tracker('c', false)]);
    expect(() => {
      all.record({ event: 'stage_start', stage: 'generate' });
    }).toThrow('a cannot record');
    await expect(all.close(true)).rejects.toThrow('a cannot close');
    await closeFailed(all, new FaultlineError('output', 'the disk is full'));
    expect(calls).toEqual(
      [['stage_start'], ['close', true], ['run_failure'], ['close', false]].flatMap((call) =>
        ['a', 'b', 'c'].map((name) => [name, ...call]),
      ),
    );
  });
});

it('who watches progress is told each half minute and at the end', () => {
  let time = 0;
  const progress = new Progress({ write: () => undefined }, () => time);
  const told: unknown[] = [];
  progress.watch((...all) => told.push(all));
  const task = progress.task('generate', 100, 10);
  for (; time < 65_000; time += 1_000) task.advance();
  progress.finish();
  expect(told).toEqual([['generate', 41, 100], ['generate', 71, 100], ['generate', 75, 100]]); // prettier-ignore
});
