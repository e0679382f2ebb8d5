/** `faultline precision`, on the bundled model and on one whose weights bfloat16 has to round. */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.js';
import { engineReport } from '../../../src/engine/doctor.js';
import { writeSafetensors } from '../../../src/engine/safetensors.js';
import type { ActivationArray } from '../../../src/engine/types.js';
import { FaultlineError } from '../../../src/errors.js';
import { writeActivations } from '../../../src/pipeline/activations.js';
import { precisionLimits } from '../../../src/pipeline/precision-limits.js';
import { measurePrecision, type PrecisionResult } from '../../../src/pipeline/precision.js';
import { Progress } from '../../../src/pipeline/progress.js';
import { faultline, picoModel, scratchFolder, writeLines } from './faultline.js';

const folder = scratchFolder();

async function precision(more: readonly string[] = [], isa?: string): Promise<PrecisionResult> {
  const { code, out, err } = await faultline(['precision', '--device', 'cpu', '--json', ...more], {
    env: isa === undefined ? {} : { FAULTLINE_FORCE_ISA: isa },
  });
  expect(code, err).toBe(0);
  return JSON.parse(out) as PrecisionResult;
}

/** The sets that this CPU has, best first, but for those whose bfloat16 is another's to the bit. */
const { candidates } = engineReport();
const families = ['amx', 'avx512bf16', 'avx2', 'neon'].filter((isa) =>
  candidates.some((candidate) => candidate.isa === isa && (candidate.refused?.endsWith('is better') ?? true)),
);

/** The bundled model in float32, every weight a little beside what bfloat16 can hold. Returns its folder. */
async function unroundedModel(): Promise<string> {
  const copy = path.join(folder, 'unrounded');
  cpSync(picoModel, copy, { recursive: true });
  const file = path.join(copy, 'model.safetensors');
  const bytes = readFileSync(file);
  const data = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, data)) as Record<string, { shape: number[]; data_offsets: [number, number] }>;
  delete header['__metadata__'];
  const tensors = new Map<string, ActivationArray>();
  for (const [name, { shape, data_offsets: offsets }] of Object.entries(header)) {
    const [begin, end] = offsets;
    const bits = Uint32Array.from({ length: (end - begin) / 2 }, (_, index) => bytes.readUInt16LE(data + begin + 2 * index) << 16);
    tensors.set(name, { shape, data: new Float32Array(bits.buffer).map((weight) => weight * (1 + 2 ** -10)) });
  }
  await writeSafetensors(file, tensors);
  return copy;
}

describe('faultline precision', () => {
  // Every text is read under every set, which takes minutes where others use the machine.
  it.each(families)(
    'holds bfloat16 on the bundled model and texts to the limits of its kernels, under %s',
    async (isa) => {
      const result = await precision([], isa);
      expect(result).toMatchObject({ dtype: 'bfloat16', isa, texts: 400, withinLimits: true });
      expect(result.limits).toEqual(precisionLimits('bfloat16', result.kernelFamily));
      expect(result.limits.meanDivergence).toBeLessThan(2e-5);
      // Kernels that round activations cost more than ones that do not, or they did not round them.
      const fma = precisionLimits('bfloat16', 'fma').meanDivergence;
      expect(result.meanDivergence > fma).toBe(result.kernelFamily !== 'fma-2');
      expect(result.logitErrorP999).toBeGreaterThan(0.1 * result.logitError);
    },
    600_000,
  );

  it('holds int8 to its own', async () => {
    const result = await precision(['--dtype', 'int8']);
    expect(result).toMatchObject({ dtype: 'int8', kernelFamily: 'int8-2', texts: 400, withinLimits: true });
    // No more than the limits, and no less than what quantising must cost.
    expect(result.meanDivergence).toBeGreaterThan(1e-4);
    expect(result.logitErrorP999).toBeGreaterThan(0.1 * result.logitError);
  }, 600_000);

  it('finds what rounding the weights changes', async () => {
    const result = await precision(['--model', await unroundedModel(), '--count', '20']);
    expect(result.texts).toBe(20);
    // More than what the same texts show of the bundled model, whose weights are bfloat16 already.
    const bundled = await precision(['--count', '20']);
    expect(result.logitError).toBeGreaterThan(bundled.logitError);
    expect(result.meanDivergence).toBeGreaterThan(bundled.meanDivergence);
    expect(result.perplexity).not.toBe(result.perplexityFloat32);
  });

  it('names the text that cannot be read, and refuses what it cannot compare', async () => {
    const texts = writeLines(path.join(folder, 'texts.jsonl'), [{ text: 'def f():\n' }, { text: 7 }]);
    const bad = await faultline(['precision', '--texts', texts]);
    expect(bad.code).toBe(3);
    expect(bad.err).toMatch(/texts\.jsonl:2:\d+: field "text"/);
    expect((await faultline(['precision', '--dtype', 'float32'])).code).toBe(2);
    expect((await faultline(['precision', '--count', '0'])).code).toBe(2);
    const short = writeLines(path.join(folder, 'short.jsonl'), [{ text: 'a' }]);
    expect((await faultline(['precision', '--texts', short, '--tokens-most', '1'])).err).toMatch(/nothing to predict/);
  });

  it('says that nothing is kept when it is stopped, as does activations', async () => {
    const config = loadConfig({ file: undefined, flags: [] });
    const reason = new FaultlineError('interrupted', 'stopped', { hint: 'Continue with: faultline' });
    const context = { signal: AbortSignal.abort(reason), progress: new Progress({ write: () => true }) };
    const expected = { kind: 'interrupted', message: 'stopped; nothing has been written', hint: 'Begin anew with: faultline' };
    const measured = measurePrecision(config, { ...context, dtype: 'bfloat16', texts: null, count: 1, tokensMost: 8 });
    await expect(measured).rejects.toMatchObject(expected);
    const out = path.join(folder, 'none.safetensors');
    await expect(writeActivations(config, { ...context, tokens: [1], text: null, hooks: ['logits'], out })).rejects.toMatchObject(expected);
    expect(existsSync(out)).toBe(false);
  });

  it('prints each figure with its unit, and with its limit as one', async () => {
    const { code, out } = await faultline(['precision', '--device', 'cpu', '--count', '1', '--tokens-most', '8']);
    expect(code).toBe(0);
    const figure = '[\\d.]+(?:e[-+]\\d+)?';
    for (const [what, unit] of [
      ['largest logit error', 'of the largest logit'],
      ['logit error, 99\\.9 %', 'of the largest logit'],
      ['mean divergence', 'nats per token'],
    ])
      expect(out).toMatch(new RegExp(`^  ${what} +${figure} +${unit}; at most ${figure}$`, 'm'));
    expect(out).toMatch(/^(?:NOT )?within the limits, which are those of the bundled model over all of its texts$/m);
    expect(out).toMatch(/^ {2}perplexity +[\d.]+ +-?[\d.]+ % from that; at most [\d.]+ % up or down$/m);
  });
});
