/** The tokenizer from a GGUF file's metadata: the bundled one gives the same tokens as from its own files, and each key is checked. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../../src/tokenizer/bpe.js';
import { spellBytes } from '../../../src/tokenizer/bytes.js';
import type { Tokenizer } from '../../../src/tokenizer/types.js';
import { flagEntry, header, numberEntry, numbersEntry, stringEntry, stringsEntry } from '../gguf-bytes.js';

const root = resolve(import.meta.dirname, '../../..');
const pico = join(root, 'data/models/pico-gpt2-py');
const scratch = mkdtempSync(join(tmpdir(), 'faultline-gguf-tokenizer-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

let files = 0;
/** Loads the tokenizer of a file with these metadata entries. */
function load(entries: Readonly<Record<string, Buffer>>): Promise<Tokenizer> {
  const file = join(scratch, `${files++}.gguf`);
  writeFileSync(file, header(Object.values(entries)));
  return loadTokenizer(file);
}

const K = 'tokenizer.ggml.';
const bytes = Array.from({ length: 256 }, (_, byte) => spellBytes(Uint8Array.of(byte)));
/** 256 bytes, "ab", end of text. */
const least = {
  model: stringEntry(`${K}model`, 'gpt2'),
  tokens: stringsEntry(`${K}tokens`, [...bytes, 'ab', '<|endoftext|>']),
  merges: stringsEntry(`${K}merges`, ['a b']),
  eos: numberEntry(`${K}eos_token_id`, 257),
};
const without = (name: string): Record<string, Buffer> => Object.fromEntries(Object.entries(least).filter(([key]) => key !== name));

describe('the bundled tokenizer in GGUF', () => {
  let fromFiles: Tokenizer;
  let fromGguf: Tokenizer;
  beforeAll(async () => {
    fromFiles = await loadTokenizer(pico);
    const vocab = JSON.parse(readFileSync(join(pico, 'vocab.json'), 'utf8')) as Record<string, number>;
    const tokens = Object.entries(vocab).sort(([, a], [, b]) => a - b).map(([token]) => token); // prettier-ignore
    const merges = readFileSync(join(pico, 'merges.txt'), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#version')); // prettier-ignore
    fromGguf = await load({
      ...{ model: least.model, pre: stringEntry(`${K}pre`, 'gpt-2') },
      tokens: stringsEntry(`${K}tokens`, tokens),
      types: numbersEntry(`${K}token_type`, tokens.map((_, id) => (id === 4095 ? 3 : 1))), // prettier-ignore
      merges: stringsEntry(`${K}merges`, merges),
      ...{ bos: numberEntry(`${K}bos_token_id`, 4095), eos: numberEntry(`${K}eos_token_id`, 4095) },
      addBos: flagEntry(`${K}add_bos_token`, true),
    });
  });

  it('has the same vocabulary', () => {
    expect(fromGguf.vocabulary()).toEqual(fromFiles.vocabulary());
    expect([fromGguf.vocabularySize, fromGguf.eosToken, fromGguf.bosToken]).toEqual([4096, 4095, 4095]);
    expect(fromGguf.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('encodes the reference texts and any other as from its files', () => {
    const texts = JSON.parse(readFileSync(join(root, 'tests/golden/pico/texts.json'), 'utf8')) as Record<string, string>;
    for (const text of Object.values(texts)) expect(fromGguf.encodePrompt(text)).toEqual(fromFiles.encodePrompt(text));
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => { expect(fromGguf.encode(text)).toEqual(fromFiles.encode(text)); })); // prettier-ignore
    expect([...fromGguf.encode('a<|endoftext|>')]).toEqual([...fromFiles.encode('a<|endoftext|>')]);
  });
});

describe('metadata', () => {
  it('may be the least there is', async () => {
    const tokenizer = await load(least);
    expect([...tokenizer.encodePrompt('abab')]).toEqual([256, 256]);
    expect([tokenizer.eosToken, tokenizer.bosToken, tokenizer.vocabularySize]).toEqual([257, null, 258]);
    // The end-of-text token is known by its text where no id is given.
    expect((await load(without('eos'))).eosToken).toBe(257);
  });

  it('gives the same hash for the same tokenizer, and another for another', async () => {
    const { hash } = await load(least);
    expect((await load({ ...least, other: stringEntry('general.name', 'other') })).hash).toBe(hash);
    expect((await load({ ...least, addBos: flagEntry(`${K}add_bos_token`, true), bos: numberEntry(`${K}bos_token_id`, 257) })).hash).not.toBe(hash); // prettier-ignore
  });

  it('knows control, added and unused tokens', async () => {
    const tokenizer = await load({
      ...least,
      tokens: stringsEntry(`${K}tokens`, [...bytes, 'ab', '<|endoftext|>', '<|x|>', '  ', '[PAD]', '[PAD]']),
      types: numbersEntry(`${K}token_type`, [...bytes.map(() => 1), 1, 3, 3, 4, 5, 5]),
    });
    const [control, added] = [258, 259].map((id) => Buffer.from(tokenizer.tokenBytes(id)).toString());
    expect([control, added, tokenizer.vocabularySize]).toEqual(['', '  ', 260]);
    expect([...tokenizer.encode('<|x|>  [PAD]')].slice(0, 2)).toEqual([258, 259]);
  });

  it.each<[string, Record<string, Buffer>, string]>([
    ['another model', { model: stringEntry(`${K}model`, 'llama') }, 'model is "llama", expected "gpt2"'],
    ['another pre-tokenizer', { pre: stringEntry(`${K}pre`, 'qwen2') }, 'pre is "qwen2", expected "gpt-2"'],
    ['tokens that are numbers', { tokens: numbersEntry(`${K}tokens`, [1]) }, 'tokens is not a list of strings'],
    ['a token twice', { tokens: stringsEntry(`${K}tokens`, [...bytes, 'ab', 'ab']) }, 'tokens has "ab" twice, as 256 and as 257'],
    ['too few types', { types: numbersEntry(`${K}token_type`, [1]) }, 'token_type is not a list of one number for each of the 258 tokens'],
    ['a merge of three', { merges: stringsEntry(`${K}merges`, ['a b', 'a b c']) }, 'merges [1] is "a b c", expected two tokens'],
    ['an end outside', { eos: numberEntry(`${K}eos_token_id`, 258) }, 'eos_token_id is 258, outside the 258 tokens'],
    ['an end that is text', { eos: stringEntry(`${K}eos_token_id`, 'x') }, 'eos_token_id is "x", outside'],
    ['a flag that is a number', { addBos: numberEntry(`${K}add_bos_token`, 1) }, 'add_bos_token is neither true nor false'],
    [
      'a beginning that is not there',
      { addBos: flagEntry(`${K}add_bos_token`, true) },
      'add_bos_token is true, but there is no bos_token_id',
    ],
  ])('refuses %s', async (_, changes, reason) => {
    await expect(load({ ...least, ...changes })).rejects.toMatchObject({ kind: 'input', message: expect.stringContaining(`.gguf: ${K}${reason}`) as string }); // prettier-ignore
  });

  it.each(['model', 'tokens', 'merges'] as const)('refuses to be without %s', async (name) => {
    await expect(load(without(name))).rejects.toThrow(`${K}${name} is missing`);
  });

  it('refuses a vocabulary without an end', async () => {
    await expect(load({ ...without('eos'), tokens: stringsEntry(`${K}tokens`, bytes) })).rejects.toThrow(`${K}eos_token_id is missing`);
  });

  it('refuses a vocabulary that cannot spell every byte', async () => {
    await expect(load({ ...least, tokens: stringsEntry(`${K}tokens`, ['<|endoftext|>', 'a', 'b', 'ab']), eos: numberEntry(`${K}eos_token_id`, 0) })).rejects.toThrow('no token for byte'); // prettier-ignore
  });
});
