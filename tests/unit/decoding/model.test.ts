/** The library's entry point over an engine that plays back; the real one is tested in tests/integration. */
import { describe, expect, it } from 'vitest';
import { fitVocabulary, Model, type GenerateOptions } from '../../../src/decoding/model.js';
import { sampleKey } from '../../../src/decoding/keys.js';
import { FaultlineError } from '../../../src/errors.js';
import { byteTokenizer, FakeEngine } from './fixtures.js';
import { PLAIN_SAMPLING } from '../../../src/decoding/strategy.js';

const tokenizer = byteTokenizer();
const echo = () =>
  new FakeEngine((group, sampleIndex) => ({ bytes: Buffer.from(`${Buffer.from(group.promptBytes!).toString()}#${sampleIndex}`) }));
const problems = [
  { taskId: 'T/0', prompt: 'one\n' },
  { taskId: 'T/1', prompt: 'two\n' },
];

describe('Model.generate', () => {
  it('gives the engine tokens, bytes, keys and limits', async () => {
    const engine = echo();
    const model = Model.of(engine, tokenizer);
    await model.generateAll({
      problems,
      samples: 2,
      seed: 9,
      maxNewTokens: 5,
      sampling: { temperature: 0.5 },
      stopStrings: ['\nclass', 'é'],
      batch: 7,
      stopPolicy: 'eos',
    });
    expect(engine.options).toEqual({ batch: 7 });
    expect(engine.asked).toHaveLength(2);
    expect(engine.asked[1]).toMatchObject({
      sampleIndices: [0, 1],
      key: sampleKey(9n, 'T/1'),
      sampling: { ...PLAIN_SAMPLING, temperature: 0.5 },
      maxNewTokens: 5,
      stopPolicy: 'eos',
    });
    expect(Buffer.from(engine.asked[1]!.prompt).toString()).toBe('two');
    expect(Buffer.from(engine.asked[1]!.heal!).toString()).toBe('\n');
    expect(Buffer.from(engine.asked[1]!.promptBytes!).toString()).toBe('two\n');
    expect(engine.asked[1]!.stopStrings!.map((stop) => Buffer.from(stop).toString())).toEqual(['\nclass', 'é']);
  });

  it('yields samples as they finish, generateAll in problem and sample order', async () => {
    const model = Model.of(echo(), tokenizer);
    const seen: string[] = [];
    for await (const { taskId, sampleIndex } of model.generate({ problems, samples: 2 })) seen.push(`${taskId} ${sampleIndex}`);
    expect(seen).toEqual(['T/1 1', 'T/1 0', 'T/0 1', 'T/0 0']);
    const all = await model.generateAll({ problems, samples: 2 });
    expect(all.map(({ taskId, sampleIndex }) => `${taskId} ${sampleIndex}`)).toEqual(['T/0 0', 'T/0 1', 'T/1 0', 'T/1 1']);
    expect(all[3]!.completion).toBe('two\n#1');
  });

  it('draws only the samples that are asked for, and asks nothing where there are none', async () => {
    const engine = echo();
    const all = await Model.of(engine, tokenizer).generateAll({ problems, samples: (taskId) => (taskId === 'T/1' ? [3, 17] : []) });
    expect(all.map((sample) => [sample.taskId, sample.sampleIndex])).toEqual([
      ['T/1', 3],
      ['T/1', 17],
    ]);
    expect(engine.asked).toHaveLength(1);
    expect(await Model.of(echo(), tokenizer).generateAll({ problems, samples: () => [] })).toEqual([]);
  });

  it('turns bytes and cut into text, and passes reasons and errors on', async () => {
    const engine = new FakeEngine(() => ({ bytes: Buffer.from('é = 1\nrest'), cut: 7, finishReason: 'stop', error: null }));
    expect(await Model.of(engine, tokenizer).generateAll({ prompts: ['x'], seed: 2n ** 63n })).toMatchObject([
      {
        taskId: 'prompt/0',
        completion: 'é = 1\n',
        rawText: 'é = 1\nrest',
        cut: 6,
        finishReason: 'stop',
        seed: '9223372036854775808',
        error: null,
      },
    ]);
    const failing = new FakeEngine(() => ({ bytes: new Uint8Array(), finishReason: 'error', error: 'the prompt leaves no room' }));
    expect(await Model.of(failing, tokenizer).generateAll({ prompts: ['x'] })).toMatchObject([
      { completion: '', finishReason: 'error', error: 'the prompt leaves no room' },
    ]);
  });

  it('strip: the completion starts right after the whole prompt', async () => {
    const engine = new FakeEngine(() => ({ bytes: Buffer.from('\n    return 1\n') }));
    const [sample] = await Model.of(engine, tokenizer).generateAll({ prompts: ['def f():\n'], promptBoundary: 'strip' });
    expect(Buffer.from(engine.asked[0]!.promptBytes!).toString()).toBe('def f():');
    expect(sample!.completion).toBe('    return 1\n');
  });

  it.each([1.5, NaN, -1, 2 ** 32 + 5])('activations refuse token %d, which an Int32Array would change', async (token) => {
    await expect(Model.of(echo(), tokenizer).activations([token], ['logits'])).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining(`token ${token} is outside the vocabulary`) as string,
    });
  });

  it('ends with the reason of an aborted signal', async () => {
    const controller = new AbortController();
    const samples = Model.of(echo(), tokenizer).generate({ problems, samples: 5, signal: controller.signal });
    await samples.next();
    controller.abort(new Error('enough'));
    await expect(samples.next()).rejects.toThrow('enough');
  });

  it.each<[string, GenerateOptions, RegExp]>([
    ['neither problems nor prompts', {}, /either problems or prompts/],
    ['both', { problems, prompts: ['x'] }, /either problems or prompts/],
    ['no samples', { problems, samples: 0 }, /samples is 0/],
    // Their indices alone would take more memory than Node has, which ends the process.
    [
      'more samples than indices have room',
      { problems, samples: 1_000_001 },
      /samples is 1000001, expected a whole number from 1 to 1000000/,
    ],
    ['half a token', { problems, maxNewTokens: 1.5 }, /maxNewTokens is 1\.5/],
    ['an empty batch', { problems, batch: 0 }, /batch is 0/],
    ['an unknown boundary', { problems, promptBoundary: 'glue' as never }, /promptBoundary is "glue", expected heal, none, strip/],
    ['an unknown policy', { problems, stopPolicy: 'never' as never }, /stopPolicy is "never"/],
    ['an empty stop string', { problems, stopStrings: ['a', ''] }, /a stop string is empty/],
    ['a task twice', { problems: [problems[0]!, problems[0]!] }, /"T\/0" is there twice/],
    ['a negative seed', { problems, seed: -1 }, /seed is -1/],
  ])('refuses %s before anything runs', async (_, options, says) => {
    const engine = echo();
    const error: unknown = await Model.of(engine, tokenizer)
      .generateAll(options)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FaultlineError);
    expect(error).toMatchObject({ kind: 'usage', message: expect.stringMatching(says) as string });
    expect(engine.asked).toHaveLength(0);
    await expect(Model.of(engine, tokenizer).check(options)).rejects.toMatchObject({ kind: 'usage', message: (error as Error).message });
    expect(engine.checked).toHaveLength(0);
  });

  it('checks exactly what it would generate, and generates nothing', async () => {
    const engine = echo();
    const model = Model.of(engine, tokenizer);
    expect(await model.check({ problems, samples: 3, batch: 7 })).toBe(engine.plan);
    expect(await model.check({ problems: [] })).toBeNull();
    expect([engine.asked, engine.options]).toEqual([[], { batch: 7 }]);
    const { checked } = engine;
    await model.generateAll({ problems, samples: 3, batch: 7 });
    expect(checked).toEqual(engine.asked);
    expect(checked.length).toBeGreaterThan(0);
  });
});

describe('Model', () => {
  it('reads activations of a text with its special tokens, and of tokens as they are', async () => {
    const engine = echo();
    const model = Model.of(engine, byteTokenizer({ addBos: true }));
    await model.activations('ab', ['logits']);
    expect([...engine.read!]).toEqual([256, 97, 98]);
    await model.activations([1, 2], ['logits']);
    expect([...engine.read!]).toEqual([1, 2]);
  });

  it('disposes the engine at the end of its block', async () => {
    const engine = echo();
    {
      await using model = Model.of(engine, tokenizer);
      expect(model.hookPoints()).toEqual([]);
    }
    expect(engine.disposed).toBe(1);
  });

  it('refuses a model that is not there and a device that is not there', async () => {
    await expect(Model.load('gtp2')).rejects.toMatchObject({ kind: 'input', hint: 'Did you mean gpt2?' });
    await expect(Model.load('gpt2', { dataHome: '/nonexistent' })).rejects.toMatchObject({ hint: 'Run: faultline model fetch gpt2' });
    await expect(Model.load('pico-gpt2-py', { device: 'tpu' as never })).rejects.toMatchObject({
      kind: 'usage',
      message: 'device is "tpu", expected auto, cpu, cuda',
    });
  });
});

describe('fitVocabulary', () => {
  const size = tokenizer.vocabularySize; // 256 bytes and end-of-text

  it('leaves a fitting one alone, pads for rows without tokens', () => {
    expect(fitVocabulary(tokenizer, size, 'm').offsets).toEqual(tokenizer.vocabulary().offsets);
    const padded = fitVocabulary(tokenizer, size + 3, 'm');
    expect(padded.offsets).toHaveLength(size + 4);
    expect([...padded.offsets.slice(-4)]).toEqual([256, 256, 256, 256]);
  });

  it('leaves out special tokens that the model has no row for, and refuses more than that', () => {
    const two = byteTokenizer({ separateBos: true });
    expect(fitVocabulary(two, two.vocabularySize - 1, 'm').offsets).toHaveLength(two.vocabularySize);
    expect(() => fitVocabulary(tokenizer, size - 1, 'm')).toThrow(/the tokenizer has 257 tokens, the model has 256/);
    expect(() => fitVocabulary(tokenizer, 100, 'm')).toThrow(/m: the tokenizer has 257 tokens/);
  });
});
