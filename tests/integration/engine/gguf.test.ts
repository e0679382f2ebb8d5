/**
 * GGUF models from file to text: written by the benchmarks' own generator (which llama.cpp reads too) beside a Hugging Face
 * folder with the same weights. What each number of F16 and Q8_0 becomes is `tests/native/model_gguf_test.cc`'s.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { locateModel } from '../../../src/datasets/models.js';
import { Model } from '../../../src/decoding/model.js';
import { PLAIN_SAMPLING } from '../../../src/decoding/strategy.js';
import { modelHash } from '../../../src/engine/model-hash.js';
import { TokenModel } from '../../../src/engine/token-model.js';
import type { DType } from '../../../src/engine/types.js';
import { faultline, readLines, root, scratchFolder } from '../cli/faultline.js';
import { writeBundledGguf } from './gguf-twin.js';
import { bundled, collect, group } from './golden.js';

const scratch = scratchFolder();
const file = (name: string): string => path.join(scratch, name);
const PROMPT = [1, 5, 300, 17, 598, 40, 41, 42];
let models: Record<'hf-F32' | 'gguf-F32' | 'gguf-F16' | 'gguf-BF16' | 'gguf-Q8_0', string>;

beforeAll(() => {
  const shape = ['--layers', '2', '--width', '64', '--heads', '4', '--context', '64', '--vocabulary', '600'];
  const formats = 'hf-F32,gguf-F32,gguf-F16,gguf-BF16,gguf-Q8_0';
  const run = spawnSync(process.execPath, [path.join(root, 'benchmarks/lib/random-gpt2.mjs'), ...shape, '--formats', formats], {
    env: { ...process.env, TMPDIR: scratch },
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  models = JSON.parse(run.stdout) as typeof models;
});

/** Logits at every position of the prompt, and 20 greedy tokens. */
async function computed(model: string, dtype: DType) {
  await using loaded = await TokenModel.load(model, { dtype, device: 'cpu', threads: 2 });
  const logits = (await loaded.activations(Int32Array.from(PROMPT), ['logits'])).get('logits')!.data;
  const sampling = { ...PLAIN_SAMPLING, temperature: 0 };
  const [sample] = await collect(loaded, [group(PROMPT, { sampling, maxNewTokens: 20, stopPolicy: 'none' })]);
  return { logits, tokens: [...sample!.tokens], info: loaded.info };
}

describe('a GGUF model', () => {
  it.each<['gguf-F32' | 'gguf-BF16', DType]>([
    ['gguf-F32', 'float32'],
    ['gguf-F32', 'bfloat16'],
    // The folder's F32 weights rounded to bfloat16 by the engine are what the writer rounded them to.
    ['gguf-BF16', 'bfloat16'],
  ])('in %s computes in %s what its safetensors twin does, to the bit', async (format, dtype) => {
    const [got, want] = [await computed(models[format], dtype), await computed(models['hf-F32'], dtype)];
    expect(Buffer.from(got.logits.buffer).equals(Buffer.from(want.logits.buffer))).toBe(true);
    expect(got.tokens).toEqual(want.tokens);
    expect(new Set(got.logits).size).toBeGreaterThan(1000);
    const { modelHash: hash, ...info } = got.info;
    expect({ ...info, modelHash: want.info.modelHash }).toEqual(want.info);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hash).not.toBe(want.info.modelHash);
  });

  it.each(['gguf-F16', 'gguf-Q8_0'] as const)('in %s is another model, and near', async (format) => {
    const [got, want] = [await computed(models[format], 'float32'), await computed(models['hf-F32'], 'float32')];
    const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    const error = norm(got.logits.map((value, i) => value - want.logits[i]!)) / norm(want.logits);
    // A mix-up of rows, scales or tensors gives errors near sqrt(2). Each weight is off by 2^-11 of itself in F16 and by 1/254
    // of its block's largest, some three standard deviations, in Q8_0: 0.7 % of a typical weight when spread evenly. The
    // ten matrix products from embedding to head add up independent errors of that size: 2.2 %.
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(format === 'gguf-F16' ? Math.sqrt(10) * 2 ** -11 : 0.022);
  });

  it('is the same model under any name and as the only file of a folder', async () => {
    const folder = file('folder');
    mkdirSync(folder);
    copyFileSync(models['gguf-Q8_0'], path.join(folder, 'renamed.gguf'));
    const { info } = await computed(folder, 'float32');
    expect(info.modelHash).toBe(await modelHash(models['gguf-Q8_0']));
    expect(await modelHash(path.join(folder, 'renamed.gguf'))).toBe(info.modelHash);
    expect(locateModel(folder)).toBe(folder);
    const model = await Model.load(folder);
    await model.dispose();
  });
});

describe('the command line', () => {
  const generate = (model: string, out: string, ...more: string[]): string[] => [
    ...['generate', '--model', model, '--num-problems', '8', '--samples', '4', '--max-new-tokens', '48', '--device', 'cpu'],
    ...['--logprobs', '--out', file(out), ...more],
  ];

  it.each(['F32', 'BF16'] as const)('generates from the bundled model in GGUF %s what it does from its folder', async (type) => {
    const model = file(`bundled-${type}.gguf`);
    writeBundledGguf(model, type);
    for (const [name, ...more] of [
      ['greedy', '--temperature', '0'],
      ['sampled', '--temperature', '0.8'],
      ['bf16', '--dtype', 'bfloat16'],
    ]) {
      const [got, want] = [`${name}-${type}.jsonl`, `${name}-${type}-folder.jsonl`];
      expect(await faultline(generate(model, got, ...more))).toMatchObject({ code: 0 });
      expect(await faultline(generate(bundled, want, ...more))).toMatchObject({ code: 0 });
      expect(readLines(file(got))).toEqual(readLines(file(want)));
      expect(new Set(readLines(file(got)).map(({ completion }) => completion)).size).toBeGreaterThan(4);
    }
  });

  it.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['cut off', (bytes) => bytes.subarray(0, -1000), /tensor .* \(is it truncated\?\)/],
    ['cut off in its header', (bytes) => bytes.subarray(0, 1000), /byte \d+: .* \(is it truncated\?\)/],
    ['of another architecture', (bytes) => Buffer.from(bytes.toString('latin1').replace(/gpt2/, 'gptj'), 'latin1'), /general\.architecture is "gptj"/], // prettier-ignore
    ['that is none', () => Buffer.from('something else'), /does not begin with "GGUF"/],
  ])('refuses a file %s by its name', async (what, change, reason) => {
    const broken = file(`${what.replaceAll(' ', '-')}.gguf`);
    writeFileSync(broken, change(readFileSync(models['gguf-F32'])));
    const { code, err } = await faultline(generate(broken, 'broken.jsonl'));
    expect([code, err]).toEqual([3, expect.stringMatching(reason)]);
    expect(err).toContain(broken);
  });
});
