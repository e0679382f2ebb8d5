/** The bundled config says what the table says, and the table what the parts say that config may not import. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { ENTRIES, KEYS } from '../../../src/config/schema.js';
import { datasets } from '../../../src/datasets/registry.js';
import { models } from '../../../src/datasets/models.js';
import { bundledConfig } from '../../../src/pipeline/bundled.js';
import { limitsOf } from '../../../src/pipeline/sandbox.js';
import { DEFAULT_LIMITS } from '../../../src/sandbox/limits.js';

const bundled = loadConfig({ file: bundledConfig(), environment: {} });
const plain = loadConfig({ environment: {} });

describe('faultline.yaml', () => {
  it('spells out the defaults', () => {
    expect(bundled.values).toEqual(plain.values);
  });

  it('names every entry, those left to their default in a comment', () => {
    const unset = KEYS.filter((key) => bundled.origins[key].from !== 'file');
    expect(unset).toEqual(['experiment', 'outputs.directory']);
  });

  it('pins what makes the transcript the same on every CPU and GPU', () => {
    expect(bundled.values).toMatchObject({ 'model.dtype': 'float32', seed: 1n, samples: 20 });
  });
});

describe('the table', () => {
  it("has the sandbox's own limits as defaults", () => {
    expect(limitsOf(plain.values)).toEqual(DEFAULT_LIMITS);
  });

  it('names a bundled model and bundled problems', () => {
    expect(models.find(({ name }) => name === ENTRIES['model.path'].default)?.repository).toBeNull();
    expect(datasets.find(({ name }) => name === ENTRIES['problems.path'].default)?.url).toBeNull();
  });
});
