/** The section `strategies` of a config: several configs of one, and what is wrong with it at its place. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { canonicalResults, loadConfig, loadStudy, type LoadOptions } from '../../../src/config/load.js';
import { FaultlineError } from '../../../src/errors.js';

const folder = mkdtempSync(path.join(tmpdir(), 'faultline-strategies-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const file = path.join(folder, 'config.yaml');

function load(yaml: string, extra: LoadOptions = {}) {
  writeFileSync(file, yaml);
  return loadStudy({ file, environment: {}, cwd: '/somewhere', ...extra });
}

function refused(work: () => unknown): FaultlineError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof FaultlineError) return thrown;
    throw thrown;
  }
  throw new Error('was accepted');
}

const THREE = `experiment: x
samples: 7
strategy: { temperature: 0.7, top_p: 1 }
strategies:
  greedy: { name: greedy }
  cool: { temperature: 0.2, samples: 3 }
  plain:
  "1.0": { top_k: 40 }
`;

describe('strategies', () => {
  it('have what is shared and what is their own, each with its place', () => {
    const { config, strategies } = load(THREE);
    expect(config.values).toMatchObject({ 'strategy.temperature': 0.7, samples: 7 });
    const own = strategies!.map(({ name, own, config: { values } }) => [
      name,
      own,
      ...(['strategy.name', 'strategy.temperature', 'strategy.top_p', 'strategy.top_k', 'samples'] as const).map((key) => values[key]),
    ]);
    expect(own).toEqual([
      ['greedy', ['strategy.name'], 'greedy', 0.7, 1, 0, 7],
      ['cool', ['strategy.temperature', 'samples'], 'sample', 0.2, 1, 0, 3],
      ['plain', [], 'sample', 0.7, 1, 0, 7],
      ['1.0', ['strategy.top_k'], 'sample', 0.7, 1, 40, 7],
    ]);
    const cool = strategies![1]!;
    expect(cool.place).toEqual({ file, line: 6, column: 3 });
    expect(cool.config.origins).toMatchObject({
      samples: { from: 'file', place: { line: 6, column: 38 } },
      'strategy.top_p': { from: 'file', place: { line: 3 } },
      seed: { from: 'default' },
    });
  });

  it('of a bare number are called as it is written', () => {
    const { strategies } = load('strategies:\n  0.20: {temperature: 0.2}\n  1: {temperature: 1}\n');
    expect(strategies!.map(({ name }) => name)).toEqual(['0.20', '1']);
  });

  it('are none in a config without that section, which is the config it was', () => {
    const yaml = THREE.slice(0, THREE.indexOf('strategies:'));
    const { config, strategies } = load(yaml);
    expect(strategies).toBeNull();
    expect(config).toEqual(loadConfig({ file, environment: {}, cwd: '/somewhere' }));
    // Hashes of experiments are made of this text: no entry may have come to it.
    expect(Object.keys(JSON.parse(canonicalResults(config.values)) as object).filter((key) => key.startsWith('strateg'))).toEqual(
      ['eta', 'min_p', 'name', 'temperature', 'top_k', 'top_p', 'typical'].map((key) => `strategy.${key}`),
    );
  });

  it('draw as often as a flag or a variable says, which is for all', () => {
    const samples = (extra: LoadOptions) => load(THREE, extra).strategies!.map(({ config }) => config.values.samples);
    expect(samples({ flags: [{ key: 'samples', flag: '--samples', text: '5' }] })).toEqual([5, 5, 5, 5]);
    expect(samples({ environment: { FAULTLINE_SAMPLES: '4' } })).toEqual([4, 4, 4, 4]);
  });
});

describe('errors', () => {
  const two = '  a: {temperature: 0.1}\n  b: {temperature: 0.2}\n';
  it.each([
    ['an empty section', 'seed: 1\nstrategies: {}\n', ':2:1: strategies: expected at least two strategies to compare, got nothing', 'leave the section out'],
    ['a section of nothing', 'strategies:\n', ':1:1: strategies: expected at least two', '`strategy:`'],
    ['one alone', 'strategies:\n  a: {top_k: 3}\n', ':1:1: strategies: expected at least two strategies to compare, got one strategy', 'leave'],
    ['a list', 'strategies:\n  - name: greedy\n', ':2:3: strategies: expected a section, got a list', 'Such as'],
    ['a value', 'strategies: greedy\n', ':1:13: strategies: expected a section, got a single value', 'Such as'],
    ['a value for one', `strategies:\n${two}  c: greedy\n`, ':4:6: strategies.c: expected a section, got a single value', '{ temperature: 0.2 }'],
    ['an unknown key', `strategies:\n${two}  c: {temprature: 1}\n`, ':4:7: unknown key strategies.c.temprature', 'Did you mean temperature?'],
    ['an unknown key like no other', `strategies:\n${two}  c: {beams: 1}\n`, 'unknown key strategies.c.beams', 'may set samples, name, temperature'],
    ['what is the same for all', `strategies:\n${two}  c: {max_new_tokens: 1}\n`, 'unknown key strategies.c.max_new_tokens', 'same for all'],
    ['a wrong value', `strategies:\n${two}  c: {top_p: 0}\n`, ':4:14: strategies.c.top_p: expected a number above 0', 'strategy.top_p: '],
    ['a wrong number of samples', `strategies:\n${two}  c: {samples: 0}\n`, ':4:16: strategies.c.samples: expected an integer from 1', 'samples: '],
    ['a name that is none', `strategies:\n${two}  "c d": {}\n`, ':4:3: the name of a strategy in strategies: expected a name of letters', 'methods-cool'],
    ['a name twice', 'strategies:\n  a: {top_k: 1}\n  a: {top_k: 2}\n', ':3:3: not valid YAML', 'Correct'],
    ['one name in two spellings', 'strategies:\n  1.0: {top_k: 1}\n  b: {}\n  "1.0": {top_k: 2}\n', ':4:3: strategies.1.0: the name of the strategy in line 2 again', 'another name'],
    ['the section in another spelling', `strategis:\n${two}`, ':1:1: unknown key strategis', 'strategies'],
  ])('%s is refused at its place', (_, yaml, message, hint) => {
    const error = refused(() => load(yaml));
    expect([error.kind, error.place.file]).toEqual(['usage', file]);
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
  }); // prettier-ignore

  it('a flag or a variable that sets what strategies set themselves is named with the section', () => {
    const flag = refused(() => load(THREE, { flags: [{ key: 'strategy.temperature', flag: '--temperature', text: '0.5' }] }));
    expect(flag.message).toBe(
      `${file}:4:1: strategies: --temperature sets strategy.temperature, and the strategies of this section have their own`,
    );
    expect(flag.hint).toContain('Leave --temperature out');
    const variable = refused(() => load(THREE, { environment: { FAULTLINE_STRATEGY_TOP_P: '0.5' } }));
    expect(variable.message).toContain('FAULTLINE_STRATEGY_TOP_P sets strategy.top_p');
  });

  it('where one experiment is wanted, the section is refused with what to do', () => {
    writeFileSync(file, THREE);
    const flags = [{ key: 'strategy.temperature', flag: '--temperature', text: '0.5' }] as const;
    const error = refused(() => loadConfig({ file, environment: {}, flags }));
    expect([error.kind, error.place]).toEqual(['usage', { file, line: 4, column: 1 }]);
    expect(error.message).toContain('this config compares several strategies, and one experiment is wanted here');
    expect(error.hint).toContain(`\`faultline run ${file}\` runs each of them`);
  });
});
