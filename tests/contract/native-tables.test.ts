/**
 * The native tables agree with what stands beside them: error codes with the TypeScript kinds, kernels with their files, and files that
 * are compiled for one instruction set with the rule that keeps the linker from mixing them up (native/ops/cpu/README.md).
 */
import { describe, expect, it } from 'vitest';
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

describe('kernels', () => {
  const kernels = rows('native/ops/kernels.def', 'FAULTLINE_KERNEL');
  const sources = projectFiles().filter((file) => /^native\/ops\/cpu\/.*\.inl$/.test(file));

  it('have an implementation and, for their instruction set, a file that compiles it', () => {
    expect(kernels.length).toBeGreaterThan(20);
    const missing = kernels.filter(([, isa, kernel]) => {
      const source = sources.find((file) => new RegExp(`^\\w[\\w ]* ${kernel}\\(`, 'm').test(read(file)));
      return source === undefined || !projectFiles().includes(source.replace('.inl', `_${isa}.cc`));
    });
    expect(missing).toEqual([]);
  });

  it('name instruction sets of isas.def', () => {
    const isas = read('native/ops/cpu/isas.def').matchAll(/^FAULTLINE_ISA\((\w+),/gm);
    const known = new Set([...isas].map((match) => match[1]!));
    expect(kernels.filter(([, isa]) => !known.has(isa!))).toEqual([]);
  });

  it('include nothing that could emit code for another CPU', () => {
    const allowed =
      /^(<immintrin\.h>|<stdint\.h>|"native\/ops\/ops\.h"|"native\/base\/philox_constants\.h"|"native\/ops\/cpu\/\w+\.inl"|"native\/ops\/cpu\/vec_\w+\.h")$/;
    const files = projectFiles().filter((file) => /^native\/ops\/cpu\/(vec_\w+\.h|.*\.inl|\w+_(avx2|avx512)\.cc)$/.test(file));
    expect(files.length).toBeGreaterThan(15);
    const wrong = files.flatMap((file) =>
      [...read(file).matchAll(/^\s*#\s*include\s+(\S+)/gm)]
        .filter((match) => !allowed.test(match[1]!))
        .map((match) => `${file} includes ${match[1]!}`),
    );
    expect(wrong).toEqual([]);
  });
});
