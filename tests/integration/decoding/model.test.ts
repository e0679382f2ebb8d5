/** The library's entry point with the real engine and the bundled model. Needs the addon. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProblems } from '../../../src/datasets/problems.js';
import { Model, type Sample } from '../../../src/decoding/model.js';

const golden = (name: string): unknown => JSON.parse(readFileSync(join(resolve(import.meta.dirname, '../../golden/pico'), name), 'utf8'));
const texts = golden('texts.json') as Record<string, string>;
const greedyTokens = golden('expected.greedy.json') as Record<string, number[]>;

let model: Model;
beforeAll(async () => {
  model = await Model.load('pico-gpt2-py', { threads: 1 });
});
afterAll(() => model.dispose());

const essence = ({ taskId, sampleIndex, completion, rawText, finishReason, tokens, logprobs, entropies }: Sample) => ({
  taskId,
  sampleIndex,
  completion,
  rawText,
  finishReason,
  tokens: [...tokens],
  logprobs: [...logprobs],
  entropies: [...entropies],
});

describe('Model', () => {
  it("says greedily what PyTorch's tokens say", async () => {
    for (const [name, prompt] of Object.entries(texts)) {
      const [sample] = await model.generateAll({
        prompts: [prompt],
        sampling: { temperature: 0 },
        promptBoundary: 'none',
        stopPolicy: 'eos',
        maxNewTokens: 40,
      });
      const end = greedyTokens[name]!.indexOf(model.tokenizer.eosToken);
      const want = greedyTokens[name]!.slice(0, end < 0 ? 40 : Math.min(end, 40));
      expect([...sample!.tokens], name).toEqual(want);
      const text = Buffer.concat(want.map((token) => model.tokenizer.tokenBytes(token))).toString('utf8');
      expect([sample!.completion, sample!.rawText, sample!.cut]).toEqual([text, text, text.length]);
      expect(sample!.finishReason).toBe(end >= 0 && end < 40 ? 'eos' : 'length');
    }
  });

  it('heals: the tokens cross the boundary, the text does not change', async () => {
    const prompt = 'def add(a, b):\n    """Return a + b."""\n';
    const samples = await model.generateAll({ prompts: [prompt], samples: 20, sampling: { temperature: 0.8, topP: 0.95 }, seed: 3 });
    const spelled = (sample: Sample) =>
      Buffer.concat([...sample.tokens].map((token) => model.tokenizer.tokenBytes(token))).toString('utf8');
    for (const sample of samples) {
      // The newline was taken off the prompt and is what the first tokens spell; it is no part of the completion.
      expect(spelled(sample)).toBe(`\n${sample.rawText}`);
      expect(sample.rawText.startsWith(sample.completion)).toBe(true);
      expect(sample.logprobs).toHaveLength(sample.tokens.length);
    }
    // The vocabulary has a token for a newline with three spaces: a model that is free to will use it.
    const crossing = samples.filter((sample) => model.tokenizer.tokenBytes(sample.tokens[0]!).length > 1);
    expect(crossing.length).toBeGreaterThan(15);
  });

  it('derails at a broken boundary, and neither at a healed nor at a stripped one', async () => {
    // After a lone newline token the model has only ever seen what does not continue an indented block, so it ends.
    const { problems } = await loadProblems('pico-tasks', { count: 24 });
    const withCode = async (promptBoundary: 'heal' | 'none' | 'strip'): Promise<number> => {
      const options = { problems, promptBoundary, sampling: { temperature: 0.8, topP: 0.95 }, maxNewTokens: 64 };
      return (await model.generateAll(options)).filter((sample) => /^ {4}\S/.test(sample.completion)).length;
    };
    expect(await withCode('heal')).toBeGreaterThan(20);
    expect(await withCode('strip')).toBeGreaterThan(20);
    expect(await withCode('none')).toBeLessThan(5);
  });

  it('strip: the model sees the stripped prompt, the completion follows the whole one', async () => {
    const greedy = { sampling: { temperature: 0 }, stopPolicy: 'eos', maxNewTokens: 30 } as const;
    const prompt = texts['b']!;
    const [bare] = await model.generateAll({ ...greedy, prompts: [prompt], promptBoundary: 'none' });
    const [stripped] = await model.generateAll({ ...greedy, prompts: [`${prompt}\n`], promptBoundary: 'strip' });
    expect([...stripped!.tokens]).toEqual([...bare!.tokens]);
    expect(bare!.completion.startsWith('\n')).toBe(true);
    expect(stripped!.completion).toBe(bare!.completion.slice(1));
  });

  it('gives a sample the same content in any company', async () => {
    const { problems } = await loadProblems('pico-tasks', { count: 3 });
    const options = { problems, sampling: { temperature: 0.8, topP: 0.95 }, seed: 2n ** 63n + 1n, maxNewTokens: 48 };
    const all = await model.generateAll({ ...options, samples: 6 });
    const few = await model.generateAll({ ...options, problems: [problems[2]!, problems[0]!], samples: () => [4, 1], batch: 1 });
    const wanted = all.filter((sample) => sample.taskId !== problems[1]!.taskId && [1, 4].includes(sample.sampleIndex));
    const order = (sample: Sample) => `${sample.taskId} ${sample.sampleIndex}`;
    const sorted = (samples: Sample[]) =>
      samples.map(essence).sort((a, b) => order(a as unknown as Sample).localeCompare(order(b as unknown as Sample)));
    expect(sorted(few)).toEqual(sorted(wanted));
    expect(new Set(all.map((sample) => sample.completion)).size).toBeGreaterThan(6);
  });

  it('lets a prompt that leaves no room fail alone', async () => {
    const samples = await model.generateAll({ prompts: ['x = 1\n'.repeat(400), 'def f():\n'], maxNewTokens: 5 });
    expect(samples[0]).toMatchObject({ finishReason: 'error', completion: '' });
    expect(samples[0]!.error).toMatch(/512/);
    expect(samples[1]!.error).toBeNull();
    expect(samples[1]!.tokens.length).toBeGreaterThan(0);
  });

  it('ends a completion before a stop string', async () => {
    const [whole] = await model.generateAll({ prompts: [`${texts['b']!}\n`], sampling: { temperature: 0 } });
    expect(whole!.completion).toContain('return');
    const [cut] = await model.generateAll({ prompts: [`${texts['b']!}\n`], sampling: { temperature: 0 }, stopStrings: ['return'] });
    expect(cut!.finishReason).toBe('stop');
    expect(cut!.completion).toBe(whole!.completion.slice(0, whole!.completion.indexOf('return')));
    expect(cut!.rawText).toContain('return');
  });

  it('stops with the reason of a signal and works on', async () => {
    const controller = new AbortController();
    const samples = model.generate({
      prompts: ['def f(x):\n'],
      samples: 40,
      maxNewTokens: 400,
      stopPolicy: 'none',
      signal: controller.signal,
    });
    const drained = (async () => {
      for await (const sample of samples) expect(sample.error).toBeNull();
    })();
    setTimeout(() => {
      controller.abort(new Error('enough'));
    }, 50);
    await expect(drained).rejects.toThrow('enough');
    expect(await model.generateAll({ prompts: ['def f(x):\n'], maxNewTokens: 3 })).toHaveLength(1);
  });

  it('reads activations of a text', async () => {
    const activations = await model.activations('def f():', ['hook_embed', 'logits']);
    const positions = model.tokenizer.encodePrompt('def f():').length;
    expect(activations.get('hook_embed')!.shape).toEqual([positions, 256]);
    expect(activations.get('logits')!.shape).toEqual([positions, 4096]);
    await expect(model.activations('x', ['hook_embde'])).rejects.toMatchObject({ kind: 'usage' });
  });
});

it('a disposed model rejects', async () => {
  const other = await Model.load('pico-gpt2-py', { threads: 1 });
  await other.dispose();
  await other.dispose();
  await expect(other.generateAll({ prompts: ['x'] })).rejects.toThrow();
});
