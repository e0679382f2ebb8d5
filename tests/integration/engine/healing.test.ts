/** Token healing against enumeration: the frequencies of drawn prefixes against the conditional distribution. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenModel } from '../../../src/engine/token-model.js';
import type { SamplingParameters, Vocabulary } from '../../../src/engine/types.js';
import { collect, group, tiny, vocabularyOf } from './golden.js';
import { PLAIN_SAMPLING } from '../../../src/decoding/strategy.js';

const SAMPLES = 4000;
const EOS = 512;

/** Tokens 0 to 11 spell something, the rest of the model's 513 spell one byte that no test asks for. */
const SPELLINGS = ['a', 'b', 'ab', 'abc', 'c', 'bc', 'abb', 'bca', 'ac', 'ca', 'aab', 'cc', ...Array.from({ length: 500 }, () => '\xff')];
const vocabulary: Vocabulary = vocabularyOf(SPELLINGS);

describe('healing', () => {
  let model: TokenModel;
  beforeAll(async () => {
    model = await TokenModel.load(tiny, { dtype: 'float32', threads: 2, vocabulary });
  });
  afterAll(() => model.dispose());

  /** The model's distribution after `tokens`, in float64 from its logits. */
  async function distribution(tokens: readonly number[], temperature: number): Promise<number[]> {
    const { data, shape } = (await model.activations(Int32Array.from(tokens), ['logits'])).get('logits')!;
    const row = Array.from(data.subarray((shape[0]! - 1) * shape[1]!), (logit) => logit / temperature);
    const max = Math.max(...row);
    const weights = row.map((logit) => Math.exp(logit - max));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  }

  /** P(first tokens until the owed bytes stand), by walking every way to spell them. */
  async function enumerate(prompt: readonly number[], owed: string, sampling: SamplingParameters): Promise<Map<string, number>> {
    const result = new Map<string, number>();
    async function walk(drawn: number[], rest: string, probability: number): Promise<void> {
      if (rest === '') {
        result.set(drawn.join(','), probability);
        return;
      }
      const all = await distribution([...prompt, ...drawn], sampling.temperature);
      let allowed = SPELLINGS.map((spelling, token) => ({ spelling, token, weight: all[token]! }))
        .filter(({ spelling }) => spelling.startsWith(rest) || rest.startsWith(spelling))
        .sort((a, b) => b.weight - a.weight);
      if (sampling.topK > 0) allowed = allowed.slice(0, sampling.topK);
      const kept = allowed.reduce((sum, { weight }) => sum + weight, 0);
      let before = 0;
      allowed = allowed.filter(({ weight }) => (before += weight) - weight < sampling.topP * kept);
      const sum = allowed.reduce((total, { weight }) => total + weight, 0);
      for (const { spelling, token, weight } of allowed)
        await walk([...drawn, token], rest.slice(spelling.length), (probability * weight) / sum);
    }
    await walk([], owed, 1);
    return result;
  }

  /** Upper 0.1 % point of chi-square (Wilson and Hilferty). The key is fixed, so the outcome is too. */
  const critical = (degrees: number) => degrees * (1 - 2 / (9 * degrees) + 3.09 * Math.sqrt(2 / (9 * degrees))) ** 3;

  it.each([
    ['one token or two cover the bytes', [3, 5, 2], 'ab', PLAIN_SAMPLING],
    ['up to three tokens cover the bytes', [9, 4], 'abc', PLAIN_SAMPLING],
    ['the prompt was one token: from end of text', [EOS], 'ab', PLAIN_SAMPLING],
    ['temperature acts on the conditional distribution', [3, 5, 2], 'ab', { ...PLAIN_SAMPLING, temperature: 2.5 }],
    ['top-k counts among the tokens that heal', [3, 5, 2], 'ab', { ...PLAIN_SAMPLING, temperature: 1.5, topK: 3 }],
    ['top-p is a share of the conditional mass', [3, 5, 2], 'ab', { ...PLAIN_SAMPLING, temperature: 8, topP: 0.75 }],
    ['top-p is relative to what top-k kept', [3, 5, 2], 'ab', { ...PLAIN_SAMPLING, temperature: 8, topK: 3, topP: 0.7 }],
  ] as const)('is exact: %s', async (_, prompt, owed, sampling) => {
    const expected = await enumerate(prompt, owed, sampling);
    const untruncated = await enumerate(prompt, owed, { ...sampling, topK: 0, topP: 1 });
    if (sampling.topK > 0 || sampling.topP < 1) expect(expected.size).toBeLessThan(untruncated.size);
    expect(expected.size).toBeGreaterThan(1);
    const samples = await collect(model, [
      group(prompt, {
        heal: Buffer.from(owed),
        sampling,
        maxNewTokens: 3,
        stopPolicy: 'none',
        sampleIndices: Array.from({ length: SAMPLES }, (_unused, i) => i),
      }),
    ]);
    const observed = new Map<string, number>();
    for (const { tokens } of samples) {
      let spelled = '';
      let count = 0;
      while (spelled.length < owed.length) spelled += SPELLINGS[tokens[count++]!]!;
      expect(spelled.startsWith(owed)).toBe(true);
      const key = [...tokens.subarray(0, count)].join(',');
      observed.set(key, (observed.get(key) ?? 0) + 1);
    }
    expect([...observed.keys()].filter((key) => !expected.has(key))).toEqual([]);
    // Rare outcomes are pooled, as the chi-square approximation asks for at least five expected in each cell.
    let statistic = 0;
    let cells = 0;
    let rareExpected = 0;
    let rareObserved = 0;
    for (const [key, probability] of expected) {
      const want = SAMPLES * probability;
      if (want < 5) {
        rareExpected += want;
        rareObserved += observed.get(key) ?? 0;
      } else {
        statistic += ((observed.get(key) ?? 0) - want) ** 2 / want;
        cells++;
      }
    }
    if (rareExpected >= 5) {
      statistic += (rareObserved - rareExpected) ** 2 / rareExpected;
      cells++;
    }
    expect(cells).toBeGreaterThan(1);
    expect(statistic).toBeLessThan(critical(cells - 1));
  });

  it('gives log-probabilities of the unmodified distribution, and bytes without the healed ones', async () => {
    const prompt = [3, 5, 2];
    const samples = await collect(model, [
      group(prompt, { heal: Buffer.from('ab'), maxNewTokens: 4, stopPolicy: 'none', sampleIndices: [...Array(40).keys()] }),
    ]);
    for (const { tokens, logprobs, entropies, bytes, cut } of samples) {
      const text = [...tokens].map((token) => SPELLINGS[token] ?? '').join('');
      expect(Buffer.from(bytes).toString('latin1')).toBe(text.slice(2));
      expect(cut).toBe(bytes.length);
      for (let i = 0; i < tokens.length; i++) {
        const all = await distribution([...prompt, ...tokens.subarray(0, i)], 1);
        expect(logprobs[i]).toBeCloseTo(Math.log(all[tokens[i]!]!), 4);
        expect(entropies[i]).toBeCloseTo(-all.reduce((sum, p) => sum + p * Math.log(p), 0), 3);
      }
    }
  });

  it('fails the samples alone when nothing spells the bytes', async () => {
    const samples = await collect(model, [
      group([1, 2], { heal: Buffer.from('az'), sampleIndices: [0, 1] }),
      group([1, 2], { heal: Buffer.from('a') }),
    ]);
    expect(samples.map(({ finishReason }) => finishReason)).toEqual(['error', 'error', 'length']);
    expect(samples[0]!.error).toMatch(/spells/);
  });
});
