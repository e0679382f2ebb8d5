/** Finish reasons, cuts and bad input of generation, and bad models, as the rest of the program sees them. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { modelHash } from '../../../src/engine/model-hash.js';
import { TokenModel } from '../../../src/engine/token-model.js';
import { writeSafetensors } from '../../../src/engine/safetensors.js';
import { addonPaths, loadAddonFrom } from '../../../src/engine/addon.js';
import { engineReport } from '../../../src/engine/doctor.js';
import { memoryPlan } from '../../../src/engine/plan.js';
import type { SampleTokens } from '../../../src/engine/types.js';
import { reasonOf } from '../../../src/errors.js';
import { collect, group, readSafetensors, tiny, vocabularyOf } from './golden.js';
import { PLAIN_SAMPLING } from '../../../src/decoding/strategy.js';

const vocabulary = vocabularyOf(Array.from({ length: 512 }, (_, token) => String.fromCharCode(token % 256)));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'faultline-engine-'));
afterAll(() => fs.rmSync(scratch, { recursive: true }));

describe('generation', () => {
  let model: TokenModel;
  beforeAll(async () => {
    model = await TokenModel.load(tiny, { dtype: 'float32', threads: 2, vocabulary });
  });
  afterAll(() => model.dispose());

  it('ends at a stop string that spans tokens, and keeps the raw text', async () => {
    const free = (await collect(model, [group([1, 2, 3], { maxNewTokens: 20, stopPolicy: 'none' })]))[0]!;
    const stop = free.bytes.slice(7, 9);
    const text = Buffer.from(free.bytes);
    const at = text.indexOf(stop);
    const ended = (await collect(model, [group([1, 2, 3], { maxNewTokens: 20, stopPolicy: 'none', stopStrings: [stop] })]))[0]!;
    expect(ended.finishReason).toBe('stop');
    expect(ended.cut).toBe(at);
    expect(ended.bytes).toEqual(free.bytes.slice(0, at + 2));
    expect(ended.tokens).toEqual(free.tokens.slice(0, at + 2));
  });

  it('meets length, context and end of text', async () => {
    const [length, context, none] = await collect(model, [
      group([1, 2], { maxNewTokens: 3, stopPolicy: 'none' }),
      group(
        Array.from({ length: 60 }, (_, i) => i),
        { maxNewTokens: 50, stopPolicy: 'none' },
      ),
      group([1, 2], { maxNewTokens: 62, stopPolicy: 'none' }),
    ]);
    expect([length!.finishReason, length!.tokens.length]).toEqual(['length', 3]);
    expect([context!.finishReason, context!.tokens.length]).toEqual(['context', 4]);
    expect([none!.finishReason, none!.tokens.length]).toEqual(['length', 62]);
    const many = { sampleIndices: [...Array(400).keys()], maxNewTokens: 30, sampling: { ...PLAIN_SAMPLING, temperature: 3 } };
    const samples = await collect(model, [group([1], many), group([1], { ...many, stopPolicy: 'none' })]);
    const ended = samples.filter(({ finishReason }) => finishReason === 'eos');
    expect(ended.length).toBeGreaterThan(0);
    for (const { sampleIndex, tokens, logprobs, eosLogprob } of ended) {
      expect([...tokens]).not.toContain(512);
      // Without the policy the same draw goes on past the same token.
      const free = samples[400 + sampleIndex]!;
      expect(free.tokens.slice(0, tokens.length + 1)).toEqual(Int32Array.of(...tokens, 512));
      expect(free.logprobs.slice(0, tokens.length + 1)).toEqual(Float32Array.of(...logprobs, eosLogprob));
    }
    for (const { finishReason, eosLogprob } of samples) expect(Number.isNaN(eosLogprob)).toBe(finishReason !== 'eos');
  });

  it('hands out what waited for a busy caller in the order in which it ended, and moves none of it for that', async () => {
    const asked = [group([1, 2], { sampleIndices: [...Array(300).keys()], maxNewTokens: 4, stopPolicy: 'none' })];
    const indices = async (first: () => Promise<unknown>): Promise<number[]> => {
      const seen: number[] = [];
      for await (const { sampleIndex } of model.generate(asked, { batch: 7 })) {
        if (seen.length === 0) await first();
        seen.push(sampleIndex);
      }
      return seen;
    };
    // The next job begins when the samples are all there.
    const later = await indices(() => model.activations(Int32Array.of(1), ['hook_embed']));
    expect(later).toHaveLength(300);
    expect(later).toEqual(await indices(() => Promise.resolve()));
    // Taking the first of a long array moves all others, and taking all of them so moves a square of them.
    const shift = vi.spyOn(Array.prototype, 'shift');
    try {
      await indices(() => model.activations(Int32Array.of(1), ['hook_embed']));
      expect(
        (shift.mock.contexts as unknown[][]).filter((array) =>
          array.some((item: unknown) => (item as SampleTokens | null)?.sampleIndex !== undefined),
        ),
      ).toEqual([]);
    } finally {
      shift.mockRestore();
    }
  });

  it('fails a prompt that cannot be generated from as its own error, and goes on', async () => {
    const samples = await collect(model, [
      group(
        Array.from({ length: 64 }, () => 1),
        { sampleIndices: [0, 1] },
      ),
      group([1, 513]),
      group([]),
      group([1, 2, 3]),
    ]);
    expect(samples.map(({ finishReason }) => finishReason)).toEqual(['error', 'error', 'error', 'error', 'length']);
    expect(samples.map(({ error }) => error)).toEqual([
      expect.stringContaining('leaves no room in the context of 64'),
      expect.stringContaining('leaves no room'),
      expect.stringContaining('token 513 is outside the vocabulary of 513'),
      expect.stringContaining('no token'),
      null,
    ]);
  });

  it.each([
    ['no new token', { maxNewTokens: 0 }, /maxNewTokens is 0/],
    ['a negative temperature', { sampling: { ...PLAIN_SAMPLING, temperature: -1 } }, /temperature/],
    ['no temperature', { sampling: { ...PLAIN_SAMPLING, temperature: Number.NaN } }, /temperature/],
    ['half a token', { sampling: { ...PLAIN_SAMPLING, topK: 0.5 } }, /topK/],
    ['no mass', { sampling: { ...PLAIN_SAMPLING, topP: 0 } }, /top-p/],
    ['more than the likeliest', { sampling: { ...PLAIN_SAMPLING, minP: 1.5 } }, /min-p/],
    ['nothing typical', { sampling: { ...PLAIN_SAMPLING, typical: 0 } }, /typical/],
    ['an epsilon of 1', { sampling: { ...PLAIN_SAMPLING, eta: 1 } }, /eta/],
    ['a negative sample index', { sampleIndices: [-1] }, /sample index/],
    ['a key of 65 bits', { key: 2n ** 64n }, /key/],
    ['policy function without text', { stopPolicy: 'function' as const }, /prompt's bytes/],
    ['an empty stop string', { stopStrings: [new Uint8Array()] }, /stop string/],
  ])('refuses %s before anything runs', async (_, changes, message) => {
    await expect(collect(model, [group([1]), group([1], changes)])).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(message) as string,
    });
  });

  it('plans memory: fewer slots where they do not fit, an error where not even one does', async () => {
    const asked = [group([1, 2, 3], { sampleIndices: [...Array(30).keys()], maxNewTokens: 40, stopPolicy: 'none' })];
    const whole = await collect(model, asked);
    await using small = await TokenModel.load(tiny, { dtype: 'float32', threads: 1, vocabulary, memoryBytes: 200_000 });
    expect(await collect(small, asked)).toEqual(whole);
    const refused = collect(small, asked, { batch: 30 });
    await expect(refused).rejects.toMatchObject({
      kind: 'environment',
      message: expect.stringMatching(/^30 samples at a time need .*, which holds \d+$/) as string,
    });
    const message = await refused.then(String, reasonOf);
    const holds = Number(/holds (\d+)$/.exec(message)![1]);
    expect(await collect(small, asked, { batch: holds })).toEqual(whole);
    await expect(collect(small, asked, { batch: holds + 1 })).rejects.toThrow(`which holds ${holds}`);
    // Asked beforehand, it says the same.
    const beforehand = await small.check(asked, { batch: holds });
    expect(await small.check(asked)).toEqual(beforehand);
    await expect(small.check(asked, { batch: holds + 1 })).rejects.toThrow(`which holds ${holds}`);
    await expect(small.check([group([1], { maxNewTokens: 0 })])).rejects.toMatchObject({ kind: 'usage' });
    const plan = memoryPlan(
      tiny,
      { dtype: 'float32', device: 'cpu', memoryBytes: 200_000 },
      { samples: 30, promptTokens: 3, newTokens: 40 },
    );
    expect(plan).toMatchObject({ slots: holds, mostSlots: holds, device: 'cpu', budgetBytes: 200_000, newTokens: 40 });
    const { weightBytes, budgetBytes, plannedBytes, slots } = plan;
    expect(beforehand).toEqual({ weightBytes, budgetBytes, plannedBytes, slots });
    await using none = await TokenModel.load(tiny, { dtype: 'float32', threads: 1, vocabulary, memoryBytes: 10_000 });
    await expect(collect(none, asked)).rejects.toMatchObject({ kind: 'environment', message: expect.stringMatching(/budget/) as string });
    await expect(none.activations(Int32Array.of(1, 2), ['logits'])).rejects.toMatchObject({ kind: 'environment' });
  });

  it('refuses unknown hook points with the nearest names, and tokens outside the vocabulary', async () => {
    await expect(model.activations(Int32Array.of(1), ['blocks.0.hook_resid_pots'])).rejects.toMatchObject({
      kind: 'usage',
      hint: expect.stringContaining('blocks.0.hook_resid_post') as string,
    });
    await expect(model.activations(Int32Array.of(1), ['blocks.2.hook_resid_post'])).rejects.toThrow('2 layers');
    await expect(model.activations(Int32Array.of(1), ['logits', 'logits'])).rejects.toThrow('twice');
    await expect(model.activations(Int32Array.of(1, 513), ['logits'])).rejects.toThrow('token 513 is outside the vocabulary of 513');
    await expect(model.activations(new Int32Array(65), ['logits'])).rejects.toThrow('context of 64');
  });

  it('needs the vocabulary for what reads bytes, and nothing else', async () => {
    await using blind = await TokenModel.load(tiny, { dtype: 'float32', threads: 1 });
    expect((await collect(blind, [group([1])]))[0]!.bytes).toHaveLength(0);
    await expect(collect(blind, [group([1], { heal: Buffer.from('a') })])).rejects.toThrow('vocabulary');
  });

  it.each([0, 1.5, 1025, 2 ** 31 - 1])('does not load for %s threads', async (threads) => {
    await expect(TokenModel.load(tiny, { dtype: 'float32', threads })).rejects.toMatchObject({
      kind: 'usage',
      message: `threads is ${threads}, but must be an integer from 1 to 1024`,
    });
  });

  it('says what it is', () => {
    expect(model.info).toMatchObject({
      architecture: 'gpt2',
      layers: 2,
      heads: 3,
      width: 48,
      vocabularySize: 513,
      context: 64,
      eosToken: 512,
      threads: 2,
    });
    expect(model.info.modelHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('says what runs it', async () => {
    await using onCpu = await TokenModel.load(tiny, { dtype: 'float32', device: 'cpu' });
    const { cpu, kernels, kernelFamily } = engineReport();
    const isaOf = (op: string) => kernels.find((kernel) => kernel.op === op)!.isa;
    expect(onCpu.info).toMatchObject({ device: 'cpu', deviceName: cpu, cpu, isa: isaOf('gemm'), kernelFamily: 'fma' });
    expect(onCpu.info.defaultBatch).toBeGreaterThan(0);
    expect(onCpu.info.deviceReason).toBe('the CPU was asked for');
    await using halved = await TokenModel.load(tiny, { dtype: 'bfloat16', device: 'cpu' });
    expect(halved.info).toMatchObject({ isa: isaOf('gemm_bf16'), kernelFamily });
  });
});

describe('loading', () => {
  const copy = (name: string, change: (folder: string) => void) => {
    const folder = path.join(scratch, name);
    fs.cpSync(tiny, folder, { recursive: true });
    change(folder);
    return folder;
  };
  const config = (folder: string, changes: object) => {
    const file = path.join(folder, 'config.json');
    fs.writeFileSync(file, JSON.stringify({ ...(JSON.parse(fs.readFileSync(file, 'utf8')) as object), ...changes }));
  };
  it.each([
    ['no folder', () => path.join(scratch, 'nowhere'), /config\.json/],
    ['truncated weights', () => copy('cut', (f) => fs.truncateSync(path.join(f, 'model.safetensors'), 300_000)), /model\.safetensors/],
    ['no weights', () => copy('bare', (f) => fs.rmSync(path.join(f, 'model.safetensors'))), /model\.safetensors/],
    ['another width', () => copy('width', (f) => config(f, { n_embd: 96 })), /wte\.weight.*\[513, 48\].*\[513, 96\]/],
    ['another activation', () => copy('relu', (f) => config(f, { activation_function: 'relu' })), /activation_function.*relu/],
    ['another architecture', () => copy('llama', (f) => config(f, { model_type: 'llama' })), /model_type.*llama/],
    ['more layers in the file', () => copy('layers', (f) => config(f, { n_layer: 1 })), /h\.1\./],
    ['fewer layers in the file', () => copy('deep', (f) => config(f, { n_layer: 3 })), /h\.2\./],
    ['an unsupported setting', () => copy('cross', (f) => config(f, { add_cross_attention: true })), /add_cross_attention/],
    [
      'more tokens than a draw has numbers for',
      () => copy('tokens', (f) => config(f, { vocab_size: 262145 })),
      /vocab_size is 262145, outside/,
    ],
    [
      'weights that are whole numbers',
      () =>
        copy('i32', (f) => {
          const file = path.join(f, 'model.safetensors');
          fs.writeFileSync(file, fs.readFileSync(file, 'latin1').replaceAll('"dtype":"F32"', '"dtype":"I32"'), 'latin1');
        }),
      /model\.safetensors: tensor \S+ holds I32, but weights must be F32, F16 or BF16/,
    ],
    ['broken JSON', () => copy('json', (f) => fs.writeFileSync(path.join(f, 'config.json'), '{"model_type": ')), /config\.json.*byte/],
  ])('explains %s', async (_, make, message) => {
    await expect(TokenModel.load(make(), { dtype: 'float32' })).rejects.toMatchObject({
      kind: 'input',
      message: expect.stringMatching(message) as string,
    });
  });

  it('never hashes a device in place of weights', async () => {
    const device = copy('device', (f) => {
      fs.rmSync(path.join(f, 'model.safetensors'));
      fs.symlinkSync('/dev/zero', path.join(f, 'model.safetensors'));
    });
    await expect(modelHash(device)).rejects.toThrow(/not a regular file/);
    const index = copy('index', (f) => {
      fs.rmSync(path.join(f, 'model.safetensors'));
      fs.writeFileSync(path.join(f, 'model.safetensors.index.json'), '{"weight_map": {"wte.weight": "../../../../../dev/zero"}}');
    });
    await expect(modelHash(index)).rejects.toThrow(/not a plain file name/);
  });

  it('hashes every byte, in order, of files longer than what is read at a time', async () => {
    // Each mebibyte begins elsewhere in the word.
    const weights = Buffer.alloc(2.5 * 2 ** 20, 'weights');
    const folder = copy('long', (f) => fs.writeFileSync(path.join(f, 'model.safetensors'), weights));
    const file = (name: string, bytes: Buffer) => Buffer.concat([Buffer.from(`${name}\0${bytes.length}\0`), bytes]);
    const whole = [file('config.json', fs.readFileSync(path.join(folder, 'config.json'))), file('model.safetensors', weights)];
    expect(await modelHash(folder)).toBe(createHash('sha256').update(Buffer.concat(whole)).digest('hex'));
  });

  it('never waits for the writer of a pipe in place of an index', async () => {
    const folder = copy('pipe', (f) => {
      fs.rmSync(path.join(f, 'model.safetensors'));
      execFileSync('mkfifo', [path.join(f, 'model.safetensors.index.json')]);
    });
    await expect(modelHash(folder)).rejects.toThrow(/not a regular file/);
  });

  it('refuses a vocabulary larger than the model', async () => {
    const larger = vocabularyOf(Array.from({ length: 600 }, () => 'x'));
    await expect(TokenModel.load(tiny, { dtype: 'float32', vocabulary: larger })).rejects.toThrow(/600|601/);
  });

  it('says which paths were tried when the addon is not there, and what to do', () => {
    const paths = addonPaths(scratch, path.join(scratch, 'other.node'));
    expect(paths).toEqual([path.join(scratch, 'other.node'), path.join(scratch, 'build/Release/faultline.node')]);
    expect(() => loadAddonFrom(paths)).toThrow(/other\.node \(not there\).*faultline\.node \(not there\)/);
    fs.writeFileSync(paths[0]!, 'no addon');
    expect(() => loadAddonFrom(paths)).toThrow(/other\.node \((?!not there)/);
  });
});

describe('writeSafetensors', () => {
  it('writes exactly the given tensors', async () => {
    const file = path.join(scratch, 'x.safetensors');
    const tensors = new Map([
      ['b', { shape: [2, 2], data: Float32Array.of(1, -2, 3.5, 4) }],
      ['a', { shape: [1], data: Float32Array.of(0.1) }],
    ]);
    await writeSafetensors(file, tensors);
    const back = readSafetensors(file);
    expect([...back.keys()]).toEqual(['b', 'a']);
    for (const [name, { shape, data }] of tensors) expect(back.get(name)).toEqual({ shape, data });
  });

  it('leaves nothing behind when it cannot write', async () => {
    const folder = path.join(scratch, 'taken.safetensors');
    fs.mkdirSync(path.join(folder, 'inside'), { recursive: true });
    const tensors = new Map([['a', { shape: [1], data: Float32Array.of(0.1) }]]);
    await expect(writeSafetensors(folder, tensors)).rejects.toMatchObject({ kind: 'output' });
    await expect(writeSafetensors(path.join(scratch, 'no/such/x.safetensors'), tensors)).rejects.toMatchObject({ kind: 'output' });
    expect(fs.readdirSync(scratch).filter((name) => name.includes('partial'))).toEqual([]);
  });
});
