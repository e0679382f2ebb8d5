/** From a section `strategies` to experiments: names, how often each draws, what is refused; and the estimate of all of them in words. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { canonicalResults, loadConfig, loadStudy, type FlagValue } from '../../../src/config/load.js';
import type { RunEstimate } from '../../../src/pipeline/estimate.js';
import { noteCopies } from '../../../src/pipeline/generate.js';
import { Progress } from '../../../src/pipeline/progress.js';
import { describeStrategies } from '../../../src/pipeline/run-strategies.js';
import { strategyExperiments } from '../../../src/pipeline/strategies.js';

const folder = mkdtempSync(path.join(tmpdir(), 'faultline-strategies-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const file = path.join(folder, 'config.yaml');

function experiments(section: string, flags: readonly FlagValue[] = []) {
  writeFileSync(file, `experiment: x\nsamples: 7\nstrategies:\n${section}`);
  const { config, strategies } = loadStudy({ file, environment: {}, cwd: '/nowhere', flags });
  return strategyExperiments({ config, strategies: strategies! });
}

describe('the experiments of strategies', () => {
  it('are what configs of one strategy under those names are', () => {
    const [, cool] = experiments('  greedy: {name: greedy}\n  cool: {temperature: 0.2, samples: 3}\n');
    writeFileSync(file, 'experiment: x-cool\nsamples: 3\nstrategy: {temperature: 0.2}\n');
    expect(cool!.strategy).toBe('cool');
    expect(canonicalResults(cool!.config.values)).toBe(canonicalResults(loadConfig({ file, environment: {}, cwd: '/nowhere' }).values));
  });

  it('are named after model and problems where the config has no name', () => {
    writeFileSync(file, 'strategies:\n  a: {top_k: 3}\n  b: {top_k: 4}\n');
    const { config, strategies } = loadStudy({ file, environment: {}, cwd: '/nowhere' });
    expect(strategyExperiments({ config, strategies: strategies! }).map(({ config: { values } }) => values.experiment)).toEqual([
      'pico-gpt2-py-pico-tasks-a',
      'pico-gpt2-py-pico-tasks-b',
    ]);
  });

  it('draw once where they are greedy, by name or by temperature, whatever a flag says for all', () => {
    const samples = (flags: readonly FlagValue[] = []) =>
      experiments('  hot: {temperature: 1.5}\n  greedy: {temperature: 0}\n', flags).map(({ config: { values } }) => values.samples);
    expect(samples()).toEqual([7, 1]);
    expect(samples([{ key: 'samples', flag: '--samples', text: '5' }])).toEqual([5, 1]);
    expect(experiments('  hot: {temperature: 1.5}\n  g: {name: greedy, samples: 1}\n')[1]!.config.values.samples).toBe(1);
  });

  it.each([
    ['equal parameters', '  a: {temperature: 0.5}\n  b: {temperature: 0.5}\n', ':5:3: strategies.b draws as strategies.a does: nucleus, temperature 0.5, topP 0.95', 'same seed'],
    ['two that are greedy', '  a: {name: greedy}\n  b: {temperature: 0}\n', ':5:3: strategies.b draws as strategies.a does: greedy', 'same seed'],
    ['two that differ in samples alone', '  a: {samples: 3}\n  b: {}\n', 'strategies.b draws as strategies.a does', 'leave one out'],
    ['a switch that is off', '  a: {min_p: 0.1}\n  b: {min_p: 0.1, eta: 0}\n', 'strategies.b draws as strategies.a does: min-p, temperature 0.8, topP 0.95, minP 0.1', ''],
    ['samples of a greedy one', '  a: {}\n  b: {name: greedy, samples: 5}\n', ':5:30: samples: strategies.b is greedy, and its 5 samples of a problem would be equal', 'takes one'],
    ['a parameter that cannot be', '  a: {}\n  b: {temperature: 0.00000001}\n', ':5:3: strategies.b: temperature is 1e-8, expected 0 (greedy)', 'Give another'],
    ['a name that is too long', `  a: {}\n  ${'b'.repeat(99)}: {top_k: 3}\n`, `:5:3: the experiment of strategies.${'b'.repeat(99)}: expected a name`, '100 characters'],
  ])('%s: refused at their place', (_, section, message, hint) => {
    expect(() => experiments(section)).toThrow(
      expect.objectContaining({
        kind: 'usage',
        message: expect.stringContaining(message) as string,
        hint: expect.stringContaining(hint) as string,
        place: expect.objectContaining({ file, line: 5 }) as object,
      }),
    );
  }); // prettier-ignore

  it.each(['top_k: 5', 'min_p: 0.2', 'typical: 0.9', 'eta: 0.01', 'temperature: 0.81', 'top_p: 0.94'])(
    '%s alone is a difference',
    (own) => {
      expect(experiments(`  a: {}\n  b: {${own}}\n`)).toHaveLength(2);
    },
  );
});

describe('the estimate of strategies', () => {
  const stage = (name: string, seconds: number, memoryBytes: number, atMost: boolean) => ({
    ...{ stage: name, seconds, atMost, onCpu: true, basis: '', memoryBytes, memoryOf: '', diskBytes: 2 ** 20 },
  });
  const part = (stages: RunEstimate['stages']): RunEstimate => ({
    seconds: stages.reduce((sum, { seconds }) => sum + seconds, 0),
    memoryBytes: stages.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    diskBytes: stages.length * 2 ** 20,
    freeDiskBytes: 2 ** 30,
    stages,
  });

  it('has a line for the sum and one for each that something is left of', () => {
    const cool = part([stage('generate', 90, 2 ** 29, true), stage('execute', 30, 2 ** 30, false)]);
    const hot = part([stage('execute', 5, 2 ** 30, false)]);
    const strategies = [
      { strategy: 'greedy', estimate: null },
      { strategy: 'cool', estimate: cool },
      { strategy: 'hot', estimate: hot },
    ];
    const whole = { seconds: 125, memoryBytes: cool.memoryBytes, diskBytes: 3 * 2 ** 20, freeDiskBytes: 2 ** 30 };
    expect(describeStrategies({ ...whole, strategies })).toEqual([
      'estimate: at most 2 min 5 s, memory up to 1.5 GiB, disk 3 MiB of 1.0 GiB free',
      '  cool: at most 2 min 0 s (generate 1 min 30 s, execute 30 s); memory up to 1.5 GiB (generate 512 MiB, execute 1.0 GiB)',
      '  hot: about 5 s (execute 5 s); memory up to 1.0 GiB (execute 1.0 GiB)',
    ]);
  });
});

describe('noteCopies', () => {
  const note = (...flags: FlagValue[]): string => {
    let text = '';
    noteCopies(loadConfig({ environment: {}, flags }).values, new Progress({ write: (line) => (text += line) }));
    return text;
  };
  const greedy = { key: 'strategy.name', flag: '--strategy', text: 'greedy' } as const;

  it('speaks of greedy samples that are copies, and of no others', () => {
    expect(note(greedy)).toBe('greedy decoding draws one text of a problem: its 20 samples are equal, and --samples 1 says as much\n');
    expect(note({ key: 'strategy.temperature', flag: '--temperature', text: '0' })).toContain('greedy decoding');
    expect(note()).toBe('');
    expect(note(greedy, { key: 'samples', flag: '--samples', text: '1' })).toBe('');
  });
});
