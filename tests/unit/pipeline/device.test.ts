/** Which device a config asks for, and what is said about the one it gets. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import type { EngineInfo } from '../../../src/engine/types.js';
import { describeDevice, engineOptionsOf, kernelsOf, noteDevice } from '../../../src/pipeline/device.js';
import { Progress } from '../../../src/pipeline/progress.js';

const values = (environment: Record<string, string>) => loadConfig({ environment, cwd: '/nowhere' }).values;
const cpu = {
  device: 'cpu',
  deviceName: 'a CPU',
  deviceReason: 'CUDA cannot be used: there is no CUDA device',
  kernelFamily: 'fma',
  isa: 'avx2',
};
const gpu = { device: 'cuda', deviceName: 'NVIDIA H200', deviceReason: 'CUDA can be used', kernelFamily: 'mma2', isa: 'sm_90' };

it('hands the engine what the config says, and nothing for what it leaves open', () => {
  expect(engineOptionsOf(values({}))).toEqual({ dtype: 'float32', device: 'auto' });
  const given = {
    FAULTLINE_MODEL_DEVICE: 'cuda',
    FAULTLINE_MODEL_DTYPE: 'bfloat16',
    FAULTLINE_MODEL_MEMORY: '8GiB',
    FAULTLINE_MODEL_THREADS: '3',
  };
  expect(engineOptionsOf(values(given))).toEqual({ dtype: 'bfloat16', device: 'cuda', memoryBytes: 8 * 2 ** 30, threads: 3 });
});

describe('noteDevice', () => {
  const note = (device: string, info: object): string => {
    let text = '';
    noteDevice(values({ FAULTLINE_MODEL_DEVICE: device }), info as EngineInfo, new Progress({ write: (line) => (text += line) }));
    return text;
  };

  it('says in one line what auto chose, and why', () => {
    expect(note('auto', cpu)).toBe('device: cpu (CUDA cannot be used: there is no CUDA device)\n');
    expect(note('auto', gpu)).toBe('device: cuda, NVIDIA H200 (CUDA can be used)\n');
  });

  it('is silent where a device was named', () => {
    expect(note('cpu', cpu)).toBe('');
    expect(note('cuda', gpu)).toBe('');
  });
});

describe('kernelsOf', () => {
  it('tells bfloat16 apart by family, and on GPUs by architecture', () => {
    expect(kernelsOf({ ...cpu, dtype: 'bfloat16' })).toBe('fma');
    expect(kernelsOf({ ...gpu, dtype: 'bfloat16' })).toBe('mma2 on sm_90');
    expect(kernelsOf({ ...gpu, dtype: 'bfloat16', device: 'emulated' })).toBe('mma2 on sm_90, emulated');
  });

  it('tells float32 apart by nothing, and int8 by the version of its one family', () => {
    expect([cpu, gpu].map((device) => kernelsOf({ ...device, dtype: 'float32' }))).toEqual([null, null]);
    expect(kernelsOf({ ...cpu, kernelFamily: 'int8-2', dtype: 'int8' })).toBe('int8-2');
  });
});

it('describes a device for the run log', () => {
  expect(describeDevice(gpu)).toBe('cuda, NVIDIA H200 (mma2 on sm_90)');
});
