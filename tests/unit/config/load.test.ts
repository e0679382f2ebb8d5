/** Layers, origins and errors of the config loader. The table's own content is tested in schema.test.ts. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalResults, loadConfig } from '../../../src/config/load.js';
import { FaultlineError } from '../../../src/errors.js';

const folder = mkdtempSync(path.join(tmpdir(), 'faultline-config-'));
const cwd = '/somewhere';

function load(yaml: string, extra: Parameters<typeof loadConfig>[0] = {}) {
  const file = path.join(folder, 'config.yaml');
  writeFileSync(file, yaml);
  return loadConfig({ file, environment: {}, cwd, ...extra });
}

function refused(yaml: string): FaultlineError {
  try {
    load(yaml);
  } catch (thrown) {
    if (thrown instanceof FaultlineError) return thrown;
    throw thrown;
  }
  throw new Error('was accepted');
}

describe('layers', () => {
  it('takes defaults, then the file, then the environment, then flags, and remembers each origin', () => {
    const { values, origins } = load('samples: 3\nseed: 4\nmax_new_tokens: 5\n', {
      environment: { FAULTLINE_SEED: '6', FAULTLINE_MAX_NEW_TOKENS: '7' },
      flags: [{ key: 'max_new_tokens', flag: '--max-new-tokens', text: '8' }],
    });
    expect([values.samples, values.seed, values.max_new_tokens, values.prompt_boundary]).toEqual([3, 6n, 8, 'heal']);
    expect(origins.samples).toMatchObject({ from: 'file', place: { line: 1, column: 10 } });
    expect(origins.seed).toEqual({ from: 'environment', variable: 'FAULTLINE_SEED' });
    expect(origins.max_new_tokens).toEqual({ from: 'flag', flag: '--max-new-tokens' });
    expect(origins.prompt_boundary).toEqual({ from: 'default' });
  });

  it('keeps all 64 bits of a seed', () => {
    expect(load('seed: 18446744073709551615\n').values.seed).toBe(18446744073709551615n);
    expect(refused('seed: 18446744073709551616\n').message).toContain('seed');
  });

  it('resolves paths of a file against its folder, of flags against the working directory, and leaves names alone', () => {
    writeFileSync(path.join(folder, 'mine.jsonl'), '');
    const { values } = load('problems: {path: mine.jsonl}\nmodel: {path: gpt2}\noutputs: {directory: out}\n', {
      flags: [{ key: 'outputs.database', flag: '--db', text: 'x.db' }],
    });
    expect(values['problems.path']).toBe(path.join(folder, 'mine.jsonl'));
    expect(values['model.path']).toBe('gpt2');
    expect(values['outputs.directory']).toBe(path.join(folder, 'out'));
    expect(values['outputs.database']).toBe('/somewhere/x.db');
    expect(loadConfig({ cwd, environment: {} }).values['outputs.directory']).toBe('/somewhere/outputs');
  });

  it('takes no memory limit that the sandbox would refuse', () => {
    expect(load('limits: {memory: 64MiB}\n').values['limits.memory']).toBe(64 * 2 ** 20);
    const error = refused('seed: 1\nlimits:\n  memory: 48MiB\n');
    expect([error.kind, error.place.line]).toEqual(['usage', 3]);
    expect(error.message).toMatch(/config\.yaml:3:\d+: limits\.memory: expected a size from 64MiB/);
  });

  it('accepts sections, inline sections, an empty file and empty sections', () => {
    expect(load('strategy:\n  temperature: 0.5\n  top_k: 3\n').values['strategy.top_k']).toBe(3);
    expect(load('').values.samples).toBe(20);
    expect(load('model:\n').values['model.threads']).toBeNull();
  });

  it('reads sizes and lists', () => {
    const { values } = load('model: {memory: 1.5GiB}\nstop_strings: ["\\nclass", "#"]\nlimits: {memory: 268435456}\n');
    expect([values['model.memory'], values['limits.memory'], values.stop_strings]).toEqual([1.5 * 2 ** 30, 2 ** 28, ['\nclass', '#']]);
  });
});

describe('errors', () => {
  it.each([
    [
      'an unknown key, with the nearest name',
      'seed: 1\ntemperatur: 2\n',
      'config.yaml:2:1: unknown key temperatur',
      'strategy.temperature',
    ],
    ['a key of another section', 'seed: 1\ntop_p: 0.5\n', ':2:1: unknown key top_p', 'strategy.top_p'],
    ['an unknown key in a section', 'model:\n  thread: 2\n', ':2:3: unknown key model.thread', 'model.threads'],
    ['an unknown key like no other', 'no_such_key: 2\n', 'unknown key no_such_key', 'experiment'],
    ['a wrong type', 'samples: 2\nseed: many\n', ':2:7: seed: expected an integer from 0', 'seed:'],
    [
      'a number out of range',
      'samples: 0\n',
      ':1:10: samples: expected an integer from 1, got 0'.replace('from 1', 'from 1 to 1000000'),
      'samples',
    ],
    ['a fraction for an integer', 'samples: 2.5\n', 'samples: expected an integer', 'samples'],
    ['text for a number', 'strategy: {top_p: "0.5"}\n', 'strategy.top_p: expected a number above 0 and at most 1, got "0.5"', 'top_p'],
    ['zero probability', 'strategy: {top_p: 0}\n', 'strategy.top_p: expected a number above 0', 'top_p'],
    [
      'a probability above 1',
      'seed: 1\nstrategy: {min_p: 1.5}\n',
      ':2:19: strategy.min_p: expected a number from 0 to 1, got 1.5',
      'min_p',
    ],
    ['zero for typical', 'strategy: {typical: 0}\n', 'strategy.typical: expected a number above 0 and at most 1, got 0', 'typical'],
    ['one for eta', 'strategy: {eta: 1}\n', ':1:17: strategy.eta: expected a number from 0 and below 1, got 1', 'eta'],
    ['an unknown choice', 'model: {dtype: float64}\n', 'expected float32, bfloat16 or int8, got "float64"', 'dtype'],
    ['a value for a section', 'model: gpt2\n', ':1:8: model: expected a section, got a single value', 'path'],
    ['a section for a value', 'samples: {a: 1}\n', 'samples: expected an integer from 1 to 1000000, got a section', 'samples'],
    ['a list at the top', '- seed: 1\n', 'expected a section', 'faultline.yaml'],
    ['broken YAML', 'seed: 1\nmodel: {path: x\n', 'not valid YAML', 'Correct'],
    ['a key twice', 'seed: 1\nseed: 2\n', 'not valid YAML', 'Correct'],
    ['an alias of nothing', 'samples: *many\n', ':1:10: not valid YAML: Unresolved alias', 'quotes'],
    ['a decimal size', 'model: {memory: 8GB}\n', 'model.memory: expected a size', 'memory'],
    [
      'a code that YAML reads as a number',
      'categories: {rename: {4.10: other}}\n',
      'categories.rename: the key 4.10 is not text',
      '"4.10"',
    ],
    ['a bare code in a list', 'categories: {off: [4.10]}\n', 'categories.off: expected a list of category codes', 'categories.off'],
    [
      'a rule with an unknown condition',
      'categories:\n  rules:\n    - name: crash.a\n      over: ["4.5"]\n      when: { mesage: x }\n',
      ':5:23: categories.rules[0].when.mesage: unknown key mesage; there are status, phase',
      'categories.rules',
    ],
    [
      'a rule with a pattern that no automaton decides',
      'categories: {rules: [{name: crash.a, over: ["4.5"], when: {message: ["ok", "/(a)\\\\1/"]}}]}\n',
      ':1:69: categories.rules[0].when.message: the pattern /(a)\\1/ has \\1, which is a backreference',
      'categories.rules',
    ],
    [
      'a rule without conditions',
      'categories: {rules: [{name: crash.a, over: ["4.5"]}]}\n',
      'categories.rules[0].when: expected a section of',
      'rules',
    ],
    [
      'a rule over a bare code',
      'categories: {rules: [{name: a.b, over: [4.10]}]}\n',
      'categories.rules[0].over: expected a list of category codes',
      'rules',
    ],
    ['a rule over nothing', 'categories: {rules: [{name: a.b, over: []}]}\n', 'categories.rules[0].over: expected at least one', 'rules'],
    [
      'a rule without a proper name',
      'categories: {rules: [{name: Mine, over: ["4.5"]}]}\n',
      ':1:29: categories.rules[0].name: expected a name',
      'rules',
    ],
    [
      'a number for a text',
      'categories: {rules: [{name: a.b, over: ["4.5"], when: {line: 4}}]}\n',
      'categories.rules[0].when.line: expected a text',
      'rules',
    ],
    [
      'a text for a number',
      'categories:\n  rules:\n    - name: exit.a\n      over: ["6.1"]\n      when: { exit_code: [0, "> many"] }\n',
      ':5:26: categories.rules[0].when.exit_code: expected a number such as 3 or "> 3", or a list of them, got "> many"',
      'categories.rules',
    ],
    [
      'a number with a unit',
      'categories: {rules: [{name: exit.a, over: ["6.1"], unless: {calls: "> 3MiB"}}]}\n',
      ':1:68: categories.rules[0].unless.calls: expected a number such as 3',
      'categories.rules',
    ],
    [
      'a size in decimal units',
      'categories: {rules: [{name: exit.a, over: ["6.1"], when: {memory: "> 3MB"}}]}\n',
      ':1:67: categories.rules[0].when.memory: expected a number such as 512MiB or "> 512MiB"',
      'categories.rules',
    ],
    [
      'an empty negation',
      'categories: {rules: [{name: exit.a, over: ["6.1"], unless: {}}]}\n',
      'categories.rules[0].unless: expected a section of',
      'categories.rules',
    ],
    ['a list with a number', 'stop_strings: ["a", 3]\n', 'stop_strings: expected a list of texts, but item 2 is 3', 'stop_strings'],
    ['a list with nothing', 'stop_strings: ["", b]\n', 'stop_strings: expected a list of texts, but item 1 is empty', 'stop_strings'],
    ['two documents', 'seed: 1\n---\nseed: 2\n', 'config.yaml:2:1: a second YAML document begins here', 'Remove the line `---`'],
    ['a name that is no folder name', 'experiment: a/b\n', 'experiment: expected a name', 'experiment'],
  ])('%s', (_, yaml, message, hint) => {
    const error = refused(yaml);
    expect(error.kind).toBe('usage');
    expect(error.message).toContain(message);
    expect(error.message).toMatch(/config\.yaml:\d+:\d+: /);
    expect(error.message).not.toContain('\n');
    expect(error.hint).toContain(hint);
  });

  it('names the variable and the flag', () => {
    expect(() => load('', { environment: { FAULTLINE_SAMPLES: 'x' } })).toThrow(/^FAULTLINE_SAMPLES: expected an integer/);
    expect(() => load('', { flags: [{ key: 'samples', flag: '--samples', text: '0' }] })).toThrow(/^--samples: expected an integer from 1/);
  });

  it('reads rules from a file, and from a variable as JSON', () => {
    const rule = { name: 'crash.a', over: ['4.5'], when: { message: ['/list/i'], tag: ['a', 'b'] } };
    const yaml = 'categories: {rules: [{name: crash.a, over: ["4.5"], when: {message: /list/i, tag: [a, b]}}]}\n';
    const numbers =
      'categories: {rules: [{name: exit.a, over: ["6.1"], unless: {exit_code: [0, "> 2"], cpu_seconds: 0.5, memory: ">=1GiB"}}]}\n';
    expect(load(numbers).values['categories.rules']).toEqual([
      { name: 'exit.a', over: ['6.1'], when: {}, unless: { exit_code: ['0', '> 2'], cpu_seconds: ['0.5'], memory: ['>=1GiB'] } },
    ]);
    expect(load(yaml).values['categories.rules']).toEqual([rule]);
    const environment = { FAULTLINE_CATEGORIES_RULES: JSON.stringify([rule]) };
    expect(load('', { environment }).values['categories.rules']).toEqual([rule]);
    expect(() => load('', { environment: { FAULTLINE_CATEGORIES_RULES: '[{' } })).toThrow(/^FAULTLINE_CATEGORIES_RULES: .* as JSON/);
    expect(() => load('', { environment: { FAULTLINE_CATEGORIES_RULES: '[3]' } })).toThrow(
      /^FAULTLINE_CATEGORIES_RULES\[0\]: expected a rule/,
    );
  });

  it('names a file that is not there', () => {
    expect(() => loadConfig({ file: 'absent.yaml', environment: {}, cwd: folder })).toThrow(/^absent\.yaml: the config cannot be read/);
  });
});

describe('canonicalResults', () => {
  it('changes with what decides results, and with nothing else', () => {
    const base = canonicalResults(load('').values);
    expect(canonicalResults(load('model: {threads: 1, batch: 3}\noutputs: {directory: x}\nsandbox: {workers: 7}\n').values)).toBe(base);
    for (const yaml of [
      'seed: 2',
      'samples: 3',
      'strategy: {top_k: 2}',
      'limits: {cpu_seconds: 9}',
      'model: {dtype: bfloat16}',
      'stop_policy: eos',
    ]) {
      expect(canonicalResults(load(yaml).values), yaml).not.toBe(base);
    }
    expect(JSON.parse(base)).toMatchObject({ seed: '1', samples: 20 });
  });
});
