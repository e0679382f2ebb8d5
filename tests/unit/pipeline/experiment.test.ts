/** What identifies an experiment, and which resumes are refused. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { checkResumable, createManifest, experimentName, type Provenance } from '../../../src/pipeline/experiment.js';
import type { ConfigKey } from '../../../src/config/schema.js';

function values(flags: Partial<Record<ConfigKey, string>> = {}) {
  return loadConfig({
    environment: {},
    cwd: '/nowhere',
    flags: Object.entries(flags).map(([key, text]) => ({ key: key as ConfigKey, flag: '--x', text })),
  }).values;
}
const here: Provenance = {
  modelHash: 'm',
  tokenizerHash: 't',
  problemsHash: 'p',
  device: 'cpu',
  deviceName: 'some CPU',
  kernelFamily: 'fma',
  isa: 'avx2',
  cpu: 'some CPU',
  pythonVersion: '3.11.7',
  isolationTier: 'namespaces',
  calibration: 1,
  version: '0.1.0',
};

describe('createManifest', () => {
  const base = createManifest(values(), here);

  it('has the same hash wherever and however fast it runs', () => {
    const elsewhere = { ...here, device: 'cuda', deviceName: 'GPU', isa: 'sm_90', cpu: 'other', calibration: 2, version: '0.2.0' };
    expect(createManifest(values({ 'model.threads': '1', 'sandbox.workers': '9', 'outputs.directory': 'y' }), elsewhere).hash).toBe(
      base.hash,
    );
  });

  it('has another hash for other results', () => {
    const others = [
      createManifest(values({ seed: '2' }), here),
      createManifest(values({ samples: '2' }), here),
      createManifest(values({ experiment: 'other' }), here),
      createManifest(values(), { ...here, modelHash: 'x' }),
      createManifest(values(), { ...here, tokenizerHash: 'x' }),
      createManifest(values(), { ...here, problemsHash: 'x' }),
    ];
    expect(new Set([base, ...others].map(({ hash }) => hash)).size).toBe(others.length + 1);
  });

  it('keeps a seed of 64 bits', () => {
    expect(createManifest(values({ seed: '18446744073709551615' }), here).seed).toBe('18446744073709551615');
  });
});

it('names an experiment after its model and problems', () => {
  expect(experimentName(values())).toBe('pico-gpt2-py-pico-tasks');
  expect(experimentName(values({ 'model.path': 'codeparrot/codeparrot-small', 'problems.path': '/data/HumanEval.jsonl.gz' }))).toBe(
    'codeparrot-small-HumanEval',
  );
  expect(experimentName(values({ 'model.path': '/m/.hidden model' }))).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
  expect(experimentName(values({ experiment: 'mine' }))).toBe('mine');
});

describe('checkResumable', () => {
  const recorded = (dtype: string, change: Partial<Provenance>) => ({
    ...createManifest(values({ 'model.dtype': dtype }), { ...here, ...change }),
    id: 1,
    createdAt: '',
    finishedAt: null,
    categorySettings: null,
  });
  const now = (dtype: string, change: Partial<Provenance> = {}) => createManifest(values({ 'model.dtype': dtype }), { ...here, ...change });
  const hopper = { device: 'cuda', deviceName: 'NVIDIA H200', kernelFamily: 'mma2', isa: 'sm_90' };
  const ampere = { device: 'cuda', deviceName: 'NVIDIA A100', kernelFamily: 'mma2', isa: 'sm_80' };

  it('lets what has not executed anything go on in any sandbox, and draw before there is one', () => {
    const unknown = { pythonVersion: '', isolationTier: '' };
    checkResumable(recorded('float32', unknown), now('float32'));
    checkResumable(recorded('float32', {}), now('float32', unknown));
    expect(() => {
      checkResumable(recorded('bfloat16', unknown), now('bfloat16', { kernelFamily: 'amx' }));
    }).toThrow('bfloat16 kernels');
  });

  it('lets the same go on, and float32 under other kernels', () => {
    checkResumable(recorded('bfloat16', {}), now('bfloat16'));
    checkResumable(recorded('float32', { kernelFamily: 'amx', isa: 'amx', cpu: 'other' }), now('float32'));
    checkResumable(recorded('float32', { ...hopper, kernelFamily: 'fma' }), now('float32'));
  });

  it('lets bfloat16 go on under other instruction sets of a CPU, and on other GPUs of an architecture', () => {
    checkResumable(recorded('bfloat16', { isa: 'avx512' }), now('bfloat16'));
    checkResumable(recorded('bfloat16', hopper), now('bfloat16', { ...hopper, deviceName: 'NVIDIA H100', cpu: 'other' }));
  });

  it.each([
    [
      'a GPU from a CPU',
      {},
      hopper,
      'kernels fma, and here it is mma2 on sm_90',
      'with --device cpu and FAULTLINE_FORCE_ISA=avx2 on a CPU that has it (kernels fma)',
    ],
    [
      'a better CPU',
      {},
      { kernelFamily: 'dpbf16', isa: 'avx512bf16' },
      'kernels fma, and here it is dpbf16',
      'FAULTLINE_FORCE_ISA=avx2 on a CPU that has it (kernels fma), use model.dtype float32, or begin a new experiment',
    ],
    [
      'a worse CPU',
      { kernelFamily: 'amx', isa: 'amx' },
      { kernelFamily: 'dpbf16', isa: 'avx512bf16' },
      'kernels amx, and here it is dpbf16',
      'FAULTLINE_FORCE_ISA=amx on a CPU that has it (kernels amx)',
    ],
    ['a CPU from a GPU', hopper, {}, 'kernels mma2 on sm_90, and here it is fma', 'with --device cuda on a GPU of architecture sm_90'],
    [
      'another architecture',
      ampere,
      hopper,
      'mma2 on sm_80, and here it is mma2 on sm_90',
      'with --device cuda on a GPU of architecture sm_80',
    ],
    ['the emulator', hopper, { ...hopper, device: 'emulated' }, 'and here it is mma2 on sm_90, emulated', '--device cuda'],
  ])('keeps bfloat16 from going on on %s', (_, then, other, message, hint) => {
    let error: unknown;
    try {
      checkResumable(recorded('bfloat16', then), now('bfloat16', other));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      kind: 'environment',
      message: expect.stringContaining(message) as string,
      hint: expect.stringContaining(hint) as string,
    });
  });

  it.each([
    ['bfloat16', { kernelFamily: 'dpbf16' }, { kernelFamily: 'dpbf16-2' }],
    ['bfloat16', { kernelFamily: 'fma' }, { kernelFamily: 'amx-2' }],
    ['int8', { kernelFamily: 'int8' }, { kernelFamily: 'int8-2' }],
    ['bfloat16', { ...hopper, kernelFamily: 'mma' }, hopper],
  ])('keeps %s of an older version from going on: %j, here %j', (dtype, then, other) => {
    let error: unknown;
    try {
      checkResumable(recorded(dtype, then), now(dtype, other));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      kind: 'environment',
      message: expect.stringContaining(`${dtype} kernels ${then.kernelFamily}`) as string,
      hint: expect.stringContaining(
        `continue with the version of faultline that began it (${here.version}, kernels ${then.kernelFamily}), use model.dtype float32, or begin`,
      ) as string,
    });
  });

  it.each([
    ['bfloat16', { kernelFamily: 'amx' }, /bfloat16 kernels amx, and here it is fma/],
    ['float32', { pythonVersion: '3.12.1' }, /Python 3\.12\.1, and here it is 3\.11\.7/],
    ['float32', { isolationTier: 'none' }, /isolation none, and here it is namespaces/],
  ])('refuses %s with %j, naming both and the ways out', (dtype, change, message) => {
    let error: unknown;
    try {
      checkResumable(recorded(dtype, change), now(dtype));
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      kind: 'environment',
      message: expect.stringMatching(message) as string,
      hint: expect.stringContaining('--experiment') as string,
    });
  });
});
