/** What `doctor` prints of a report. What it finds on this machine is tests/integration/cli/device.test.ts's. */
import { describe, expect, it } from 'vitest';
import { renderDoctor } from '../../../src/cli/doctor-text.js';
import type { DoctorReport } from '../../../src/pipeline/doctor.js';

const lacking = { devices: [], driver: null, runtime: null, backend: null, kernels: [] };
const report: DoctorReport = {
  ok: true,
  version: '0.1.0',
  node: 'v20.17.0',
  system: 'linux 6.1 x64',
  engine: {
    fault: null,
    cpu: 'a CPU',
    isa: 'avx2',
    kernelFamily: 'fma',
    candidates: [],
    kernels: [{ op: 'gemm', isa: 'avx2', function: 'avx2::gemm' }],
  },
  cuda: { ...lacking, usable: false, library: '/lib.so', refused: 'this build has no CUDA library (/lib.so)', hint: 'Rebuild it.' },
  sandbox: {
    tier: 'namespaces',
    reason: null,
    hint: null,
    kernel: { seccomp: true, landlock: 7 },
    python: { path: '/python3', version: '3.11.7', needs: [] },
    launchMilliseconds: 50,
  },
  disk: { folder: '/here', freeBytes: 5e9 },
  data: { model: '/model', problems: '/problems.jsonl' },
  missing: [],
};

/** The lines of the block `cuda`, without its title's column. */
function block(cuda: DoctorReport['cuda'], rest: Partial<DoctorReport> = {}): string[] {
  const lines = renderDoctor({ ...report, ...rest, cuda }).split('\n');
  const begin = lines.findIndex((line) => line.startsWith('cuda'));
  const end = lines.findIndex((line) => line.startsWith('sandbox'));
  return lines.slice(begin, end).map((line) => line.slice('faultline  '.length));
}

describe('the block cuda', () => {
  it('says why there is none and what to do, and that nothing is missing', () => {
    expect(block(report.cuda)).toEqual(['not usable: this build has no CUDA library (/lib.so)', 'hint: Rebuild it.']);
    expect(renderDoctor(report)).toContain('everything that a run needs is here');
  });

  it('shows each device, the versions, the library and its kernels', () => {
    const h200 = { name: 'NVIDIA H200', computeCapability: '9.0', multiprocessors: 132, memoryBytes: 139.8 * 2 ** 30 };
    const kernels = [
      { op: 'gemm', type: 'bf16', function: 'cuda::gemm_bf16' },
      { op: 'sample', type: 'any', function: 'cuda::sample' },
    ];
    const usable = {
      usable: true,
      refused: null,
      hint: null,
      library: '/lib.so',
      backend: 'cuda',
      driver: '13.0',
      runtime: '12.8',
      kernels,
    };
    expect(block({ ...usable, devices: [h200, { ...h200, name: 'NVIDIA A100' }] })).toEqual([
      'NVIDIA H200: compute capability 9.0, 139.8 GiB, 132 multiprocessors',
      'NVIDIA A100: compute capability 9.0, 139.8 GiB, 132 multiprocessors',
      'driver for CUDA 13.0, runtime 12.8',
      'library: /lib.so (cuda)',
      'kernels: gemm (cuda::gemm_bf16), sample (cuda::sample)',
    ]);
  });

  it('is not available without the engine', () => {
    expect(block(null, { engine: null })).toEqual(['not available']);
  });
});

it('shows the kernels, and why not better ones', () => {
  const candidates = [
    { isa: 'amx', picked: false, refused: 'this CPU has no AMX-BF16' },
    { isa: 'avx512bf16', picked: true, refused: null },
  ];
  const kernels = [
    { op: 'gemm', isa: 'avx512', function: 'avx512::gemm' },
    { op: 'gemm_bf16', isa: 'avx512bf16', function: 'avx512bf16::gemm_pairs' },
  ];
  const engine = { fault: null, cpu: 'a CPU', isa: 'avx512bf16', kernelFamily: 'dpbf16', candidates, kernels };
  const lines = (before: string) =>
    [
      'engine     a CPU',
      `           ${before}instruction set avx512bf16, kernel family of bfloat16 dpbf16`,
      '           not amx: this CPU has no AMX-BF16',
      '           kernels: gemm (avx512), gemm_bf16 (avx512bf16)',
    ].join('\n');
  expect(renderDoctor({ ...report, engine })).toContain(lines(''));
  const fault = { kind: 'usage', message: 'FAULTLINE_FORCE_ISA=x is no instruction set', hint: null } as const;
  expect(renderDoctor({ ...report, engine: { ...engine, fault } })).toContain(lines('without FAULTLINE_FORCE_ISA: '));
});

it('ends with what is missing', () => {
  const missing = [
    { what: 'cuda', kind: 'environment', reason: 'CUDA cannot be used: there is no CUDA device', hint: 'Make one visible.' },
  ] as const;
  expect(renderDoctor({ ...report, ok: false, missing })).toMatch(
    /missing:.* cuda: CUDA cannot be used: there is no CUDA device\n.*hint:.* Make one visible\.$/,
  );
});
