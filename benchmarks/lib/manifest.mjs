/** The row of an experiment that only benchmarks have: what it says of machine and model is made up, and no figure depends on it. */

/**
 * @param {Partial<import('../../dist/store/types.js').ExperimentManifest> & {name: string}} fields
 * @returns {import('../../dist/store/types.js').ExperimentManifest}
 */
export const benchmarkManifest = (fields) => ({
  config: '{}',
  hash: '0'.repeat(64),
  seed: '1',
  modelHash: '0'.repeat(64),
  tokenizerHash: '0'.repeat(64),
  problemsHash: '0'.repeat(64),
  dtype: 'float32',
  device: 'cpu',
  deviceName: 'benchmark',
  kernelFamily: 'fma',
  isa: 'avx2',
  cpu: 'benchmark',
  pythonVersion: '3.11.0',
  isolationTier: 'namespaces',
  calibration: 1,
  version: '0.1.0',
  ...fields,
});
