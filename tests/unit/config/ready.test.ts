/** The ready configs load, name what can be fetched, and say of each other what is so. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { canonicalResults, loadConfig } from '../../../src/config/load.js';
import { datasets } from '../../../src/datasets/registry.js';
import { models } from '../../../src/datasets/models.js';
import { configFile, readyConfigs } from '../../../src/pipeline/bundled.js';

const load = (name: string) => loadConfig({ file: configFile(name), environment: {} }).values;

describe.each(readyConfigs())('%s', (name) => {
  it('names a model and a data set that faultline fetches, and itself as the experiment', () => {
    const values = load(name);
    expect(models.some((row) => row.name === values['model.path'])).toBe(true);
    expect(datasets.some((row) => row.name === values['problems.path'])).toBe(true);
    expect(values.experiment).toBe(name);
  });
});

it('there are the phases of the study, of one kind', () => {
  expect(readyConfigs()).toEqual(['feasibility', 'full']);
  const [feasibility, full] = [load('feasibility'), load('full')];
  expect([feasibility['problems.count'], feasibility.samples, full['problems.count'], full.samples]).toEqual([50, 100, null, 100]);
  const same = { experiment: null, 'problems.count': null };
  expect(canonicalResults({ ...feasibility, ...same })).toBe(canonicalResults({ ...full, ...same }));
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
