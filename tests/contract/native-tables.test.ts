/**
 * The native tables agree with what stands beside them: error codes with the TypeScript kinds, kernels with their files and tests, and
 * files that are compiled for one instruction set, or by another compiler, with the rules that keep them apart (native/ops/cpu/README.md,
 * native/ops/cuda/simt.h).
 */
import { describe, expect, it } from 'vitest';
import { NOT_FINITE } from '../../src/engine/types.js';
import { ExitCode } from '../../src/errors.js';
import { projectFiles, read } from './project.js';

/** The arguments of every `MACRO(a, b, ...)` row of a .def file, comments left out. */
function rows(file: string, macro: string): string[][] {
  const code = read(file).replace(/\/\/.*$/gm, '');
  return [...code.matchAll(new RegExp(`${macro}\\(([^)]*)\\)`, 'g'))].map((match) => match[1]!.split(',').map((cell) => cell.trim()));
}

describe('error codes', () => {
  const codes = rows('native/base/error_codes.def', 'FAULTLINE_ERROR').map(([name]) => name!);

  it('are kinds that TypeScript has an exit code for', () => {
    expect(codes.length).toBeGreaterThan(3);
    expect(codes.filter((code) => code === 'ok' || !(code in ExitCode))).toEqual([]);
  });
});

it('a sample without finite logits is told by the same words on both sides', () => {
  expect(/kNotFinite = "([^"]*)"/.exec(read('native/sampler/sampler.h'))![1]).toBe(NOT_FINITE);
});

describe('kernels', () => {
  const kernels = rows('native/ops/kernels.def', 'FAULTLINE_KERNEL');
  const portable = rows('native/ops/kernels.def', 'FAULTLINE_PORTABLE');
  const sources = projectFiles().filter((file) => /^native\/ops\/cpu\/.*\.inl$/.test(file));

  it('have an implementation and, for their instruction set, a file that compiles it', () => {
    expect(kernels.length).toBeGreaterThan(20);
    const compiled = [...kernels, ...portable.map(([op, , kernel]) => [op, 'scalar', kernel])];
    const missing = compiled.filter(([, isa, kernel]) => {
      const source = sources.find((file) => new RegExp(`^\\w[\\w ]* ${kernel}\\(`, 'm').test(read(file)));
      return source === undefined || !projectFiles().includes(source.replace('.inl', `_${isa}.cc`));
    });
    expect(missing).toEqual([]);
  });

  it('name instruction sets of isas.def', () => {
    const isas = read('native/ops/cpu/isas.def').matchAll(/^FAULTLINE_ISA\((\w+),/gm);
    const known = new Set([...isas].map((match) => match[1]!));
    expect([...kernels, ...portable].filter(([, isa]) => !known.has(isa!))).toEqual([]);
  });

  it('have a portable form where the scalar set has no kernel of that name', () => {
    const scalar = new Set(kernels.filter(([, isa]) => isa === 'scalar').map(([, , kernel]) => kernel));
    const own = kernels.filter(([, , kernel]) => !scalar.has(kernel));
    expect(own.length).toBeGreaterThan(1);
    expect(portable).toEqual(own);
  });

  it('have a test for every op, on every set that runs here and in every portable form', () => {
    const tests = projectFiles()
      .filter((file) => /^tests\/native\/ops_\w+_test\.cc$/.test(file))
      .map((file) => read(file).replace(/\/\/.*$/gm, ''))
      .filter((text) => /: (runnable|product)_tables\(\)\)/.test(text));
    // multiply() of ops_fixture.h takes the product by the type of its weights.
    const products: Record<string, string> = { gemm: 'f32', gemm_bf16: 'bf16', gemm_int8: 'int8' };
    const untested = (ops: readonly string[]) =>
      ops.filter((op) => {
        const type = products[op];
        const called = (text: string) =>
          type === undefined
            ? text.includes(`table.ops.${op}(`)
            : text.includes(': product_tables())') && /multiply\w*\(table, /.test(text) && new RegExp(`WeightType::${type}\\b`).test(text);
        return !tests.some(called);
      });
    expect(untested(kernels.map(([op]) => op!))).toEqual([]);
    expect(untested(['swish'])).toEqual(['swish']);
  });

  it('have a benchmark for every op', () => {
    const benches = kernels.map(([op]) => `{"${op}", bench_${op}}`);
    const source = read('benchmarks/native/bench_ops.cc');
    expect(benches.filter((bench) => !source.includes(bench))).toEqual([]);
  });

  it('include nothing that could emit code for another CPU', () => {
    const allowed =
      /^(<arm_neon\.h>|<immintrin\.h>|<stdint\.h>|"native\/ops\/ops\.h"|"native\/base\/philox_constants\.h"|"native\/ops\/cpu\/\w+\.inl"|"native\/ops\/cpu\/(vec|pairs|quads|tiles)_\w+\.h")$/;
    const files = projectFiles().filter((file) =>
      /^native\/ops\/cpu\/((vec|pairs|quads|tiles)_\w+\.h|.*\.inl|\w+_(avx2|avxvnni|avx512|avx512vnni|avx512bf16|amx|neon)\.cc)$/.test(
        file,
      ),
    );
    expect(files.length).toBeGreaterThan(15);
    const wrong = files.flatMap((file) =>
      [...read(file).matchAll(/^\s*#\s*include\s+(\S+)/gm)]
        .filter((match) => !allowed.test(match[1]!))
        .map((match) => `${file} includes ${match[1]!}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('device kernels', () => {
  const kernels = rows('native/ops/cuda/kernels.def', 'FAULTLINE_DEVICE_KERNEL');
  const files = projectFiles().filter((file) => /^native\/ops\/cuda\/.*\.(cu|h)$/.test(file));
  const includes = (file: string) => [...read(file).matchAll(/^\s*#\s*include\s+(\S+)/gm)].map((match) => match[1]!);

  it('have a file each', () => {
    expect(kernels.length).toBeGreaterThan(5);
    const missing = kernels.filter(([, , kernel]) => {
      const file = `native/ops/cuda/${kernel}.cu`;
      return !files.includes(file) || !new RegExp(`^[\\w:]+ ${kernel}\\(`, 'm').test(read(file));
    });
    expect(missing).toEqual([]);
  });

  it('are run by a test of their operation and type', () => {
    const tests = projectFiles()
      .filter((file) => /^tests\/native\/device_\w+_test\.cc$/.test(file))
      .map(read)
      .filter((text) => text.includes('device_api()'));
    const names: Record<string, string> = { f32: 'float_', bf16: 'bf16_', any: '' };
    const missing = kernels.filter(([op, type]) => {
      const test = `TEST(device_${op}_${names[type!]!}`;
      return !tests.some((text) => text.includes(test) && text.includes(`device_api().${op}(`));
    });
    expect(missing).toEqual([]);
  });

  it('are written against simt.h alone, which chooses between CUDA and the emulator', () => {
    const wrong = files.flatMap((file) => {
      const either = /\/simt(_\w+)?\.h$/.test(file) ? /^(<cuda\w*\.h>|FAULTLINE_SIMT_EMULATOR)$/ : /^(?!)/;
      return includes(file)
        .filter((name) => !name.startsWith('"native/') && !/^<[a-z]+>$/.test(name) && !either.test(name))
        .map((name) => `${file} includes ${name}`);
    });
    expect(wrong).toEqual([]);
  });
});
