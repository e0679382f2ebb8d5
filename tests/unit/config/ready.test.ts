/** The ready configs load, name what can be fetched, and say of each other what is so. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalResults, loadStudy } from '../../../src/config/load.js';
import { datasets } from '../../../src/datasets/registry.js';
import { models } from '../../../src/datasets/models.js';
import { strategies as all } from '../../../src/decoding/strategy.js';
import { configFile, readyConfigs } from '../../../src/pipeline/bundled.js';
import { strategyOf } from '../../../src/pipeline/draws.js';
import { strategyExperiments } from '../../../src/pipeline/strategies.js';

const study = (name: string) => loadStudy({ file: configFile(name), environment: {} });
const load = (name: string) => study(name).config.values;

describe.each(readyConfigs())('%s', (name) => {
  it('names a model and a data set that faultline fetches, and itself as the experiment', () => {
    const values = load(name);
    expect(models.some((row) => row.name === values['model.path'])).toBe(true);
    expect(datasets.some((row) => row.name === values['problems.path'])).toBe(true);
    expect(values.experiment).toBe(name);
  });
});

it('there are the phases of the study, of one kind', () => {
  expect(readyConfigs()).toEqual(['feasibility', 'full', 'methods']);
  const [feasibility, full] = [load('feasibility'), load('full')];
  expect([feasibility['problems.count'], feasibility.samples, full['problems.count'], full.samples]).toEqual([50, 100, null, 100]);
  const same = { experiment: null, 'problems.count': null };
  expect(canonicalResults({ ...feasibility, ...same })).toBe(canonicalResults({ ...full, ...same }));
  expect([study('feasibility').strategies, study('full').strategies]).toEqual([null, null]);
});

describe('methods', () => {
  const { config, strategies } = study('methods');
  const experiments = strategyExperiments({ config, strategies: strategies! });

  it('compares every strategy there is, greedy first and once, all with one seed', () => {
    const drawn = experiments.map(({ config: { values } }) => strategyOf(values).strategy.name);
    expect(new Set(drawn)).toEqual(new Set(all.map(({ name }) => name)));
    expect(experiments.map(({ config: { values } }) => [values.seed, values.samples])).toEqual(
      experiments.map((_, i) => [1n, i === 0 ? 1 : 100]),
    );
    expect(drawn[0]).toBe('greedy');
    expect(experiments.map(({ config: { values } }) => values.experiment)).toEqual(strategies!.map(({ name }) => `methods-${name}`));
  });

  it('has the samples of `full` among them, as its comment says', () => {
    const nucleus = experiments.find(({ strategy }) => strategy === 'nucleus')!.config.values;
    expect(canonicalResults({ ...nucleus, experiment: null })).toBe(canonicalResults({ ...load('full'), experiment: null }));
  });

  it('runs on the CPU, where all of them can be drawn', () => {
    expect(config.values['model.device']).toBe('cpu');
  });
});

it('a file of that name comes first, and a folder does not', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'faultline-ready-'));
  const before = process.cwd();
  process.chdir(folder);
  try {
    mkdirSync('feasibility');
    expect(configFile('feasibility')).toMatch(/configs\/feasibility\.yaml$/);
    writeFileSync('full', 'samples: 1\n');
    expect(configFile('full')).toBe('full');
    expect(configFile('other.yaml')).toBe('other.yaml');
    expect(() => configFile('other')).toThrow('no ready config of that name');
  } finally {
    process.chdir(before);
  }
});
