/** The tokenizer against the two oracles: transformers' output for the bundled model, gpt-tokenizer's r50k for GPT-2. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { encode as r50kEncode } from 'gpt-tokenizer/encoding/r50k_base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { loadTokenizer } from '../../../src/tokenizer/bpe.js';
import { spellBytes } from '../../../src/tokenizer/bytes.js';
import type { Tokenizer } from '../../../src/tokenizer/types.js';
import { writeGpt2Folder } from './gpt2-vocabulary.js';

const root = resolve(import.meta.dirname, '../../..');
const pico = join(root, 'data/models/pico-gpt2-py');
const golden = (name: string): unknown => JSON.parse(readFileSync(join(root, 'tests/golden/pico', name), 'utf8'));
const humanEval = join(root, '../shared/datasets/HumanEval.jsonl.gz');
const scratch = mkdtempSync(join(tmpdir(), 'faultline-tokenizer-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

const textOf = (tokenizer: Tokenizer, tokens: Int32Array): string =>
  Buffer.concat([...tokens].map((token) => tokenizer.tokenBytes(token))).toString('utf8');

describe('the bundled tokenizer', () => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await loadTokenizer(pico);
  });

  it('encodes every reference text as transformers does', () => {
    const references = golden('tokenizer.json') as { text: string; ids: number[] }[];
    expect(references.length).toBeGreaterThan(5);
    for (const { text, ids } of references) expect([...tokenizer.encode(text)], JSON.stringify(text)).toEqual(ids);
  });

  it('begins a prompt with the end-of-text token, as add_bos_token says', () => {
    const texts = golden('texts.json') as Record<string, string>;
    for (const [name, tokens] of Object.entries(golden('prompts.json') as Record<string, number[]>)) {
      expect([...tokenizer.encodePrompt(texts[name]!)], name).toEqual(tokens);
    }
    expect([...tokenizer.encodePrompt('')]).toEqual([4095]);
  });

  it('knows its sizes and special tokens', () => {
    expect([tokenizer.vocabularySize, tokenizer.eosToken, tokenizer.bosToken]).toEqual([4096, 4095, 4095]);
    expect(tokenizer.tokenBytes(4095)).toHaveLength(0);
    expect(tokenizer.hash).toMatch(/^[0-9a-f]{64}$/);
    const { bytes, offsets, eosToken } = tokenizer.vocabulary();
    expect(offsets).toHaveLength(4097);
    expect(offsets[4096]).toBe(bytes.length);
    expect(eosToken).toBe(4095);
    for (let token = 0; token < 4096; token++) expect(offsets[token]).toBeLessThanOrEqual(offsets[token + 1]!);
  });

  it('gives the same tokens from vocab.json and merges.txt as from tokenizer.json', async () => {
    const folder = join(scratch, 'pair');
    for (const name of ['vocab.json', 'merges.txt', 'tokenizer_config.json']) cpSync(join(pico, name), join(folder, name));
    const pair = await loadTokenizer(folder);
    expect(pair.vocabulary()).toEqual(tokenizer.vocabulary());
    for (const { text } of golden('tokenizer.json') as { text: string }[])
      expect(pair.encodePrompt(text)).toEqual(tokenizer.encodePrompt(text));
    expect(pair.hash).not.toBe(tokenizer.hash);
  });

  it('loses no byte of any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({
        unit: fc.constantFrom(' ', '\n', '\t', '\r', '\u0085', '\ufeff', "'", 'a', '_', '9', 'é', '𝔘', '\u00a0'),
        maxLength: 40,
      }),
    );
    fc.assert(
      fc.property(text, (sample) => {
        fc.pre(!sample.includes('<|endoftext|>'));
        expect(textOf(tokenizer, tokenizer.encode(sample))).toBe(sample);
      }),
      { numRuns: 300 },
    );
  });

  it('reads half a surrogate pair as the replacement character, as UTF-8 must', () => {
    expect(textOf(tokenizer, tokenizer.encode('a\ud800b'))).toBe('a\ufffdb');
  });

  it("splits at the white space that the training tokenizer knew, not at JavaScript's", () => {
    // U+0085 is white space to Unicode and not to JavaScript's `\s`; so here the run of white space is two spaces and
    // U+0085, of which the last is left to the word. With `\s` the first token would be one space.
    const spelled = (text: string) =>
      [...tokenizer.encode(text)].map((token) => Buffer.from(tokenizer.tokenBytes(token)).toString('latin1'));
    expect(spelled('  \u0085x')[0]).toBe('  ');
  });

  it('refuses the bytes of a token outside the vocabulary', () => {
    for (const token of [-1, 4096, 1.5, NaN]) expect(() => tokenizer.tokenBytes(token)).toThrow(/outside the vocabulary of 4096/);
  });
});

describe("GPT-2's tokenizer", () => {
  let folder: string;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    folder = writeGpt2Folder();
    tokenizer = await loadTokenizer(folder);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('has 50,257 tokens, ends texts with 50256 and begins none', () => {
    expect([tokenizer.vocabularySize, tokenizer.eosToken]).toEqual([50257, 50256]);
    expect([...tokenizer.encodePrompt('Hello world')]).toEqual([15496, 995]);
  });

  it.skipIf(!existsSync(humanEval))(
    'encodes all 164 HumanEval prompts, solutions and tests as r50k does (needs ../shared/datasets)',
    () => {
      const lines = gunzipSync(readFileSync(humanEval)).toString('utf8').trim().split('\n');
      expect(lines).toHaveLength(164);
      for (const line of lines) {
        const problem = JSON.parse(line) as Record<string, string>;
        for (const field of ['prompt', 'canonical_solution', 'test']) {
          expect([...tokenizer.encodePrompt(problem[field]!)], `${problem['task_id']} ${field}`).toEqual(r50kEncode(problem[field]!));
        }
      }
    },
  );

  it('encodes arbitrary Unicode as r50k does', () => {
    const differs = /[\ufeff\u0085]/; // gpt-tokenizer splits at JavaScript's white space
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        fc.pre(!differs.test(text) && !text.includes('<|'));
        expect([...tokenizer.encode(text)]).toEqual(r50kEncode(text));
      }),
      { numRuns: 200 },
    );
  });

  it('encodes the end-of-text marker as one token', () => {
    expect([...tokenizer.encode('a<|endoftext|>b')]).toEqual([64, 50256, 65]);
  });
});

describe('bad folders', () => {
  const bytes = Object.fromEntries(Array.from({ length: 256 }, (_, byte) => [spellBytes(Uint8Array.of(byte)), byte]));
  let counter = 0;
  const folderWith = (files: Record<string, unknown>): string => {
    const folder = join(scratch, `bad-${counter++}`);
    cpSync(join(pico, 'config.json'), join(folder, 'config.json'));
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
    return folder;
  };
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: true };
  const tokenizerJson = (changes: object) => ({
    added_tokens: [{ id: 256, content: '<|endoftext|>', special: true }],
    pre_tokenizer: byteLevel,
    model: { type: 'BPE', vocab: bytes, merges: [], ...changes },
  });
  const refusal = async (folder: string): Promise<FaultlineError> => {
    const error: unknown = await loadTokenizer(folder).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FaultlineError);
    expect((error as FaultlineError).kind).toBe('input');
    expect((error as FaultlineError).message).toContain(folder);
    return error as FaultlineError;
  };

  it('accepts the smallest sound file, so that the refusals below are about what they say', async () => {
    const tokenizer = await loadTokenizer(folderWith({ 'tokenizer.json': tokenizerJson({}) }));
    expect([...tokenizer.encodePrompt('é')]).toEqual([0xc3, 0xa9]);
  });

  it.each([
    ['no tokenizer at all', {}, /expected tokenizer\.json, or vocab\.json and merges\.txt/],
    ['vocab.json alone', { 'vocab.json': bytes }, /vocab\.json is there, merges\.txt is not/],
    ['broken JSON', { 'tokenizer.json': '{"model": ' }, /tokenizer\.json: not valid JSON/],
    ['a list instead of an object', { 'tokenizer.json': [] }, /expected a JSON object/],
    ['another model type', { 'tokenizer.json': tokenizerJson({ type: 'Unigram' }) }, /not a byte-pair-encoding tokenizer/],
    ['no byte level', { 'tokenizer.json': { ...tokenizerJson({}), pre_tokenizer: { type: 'Whitespace' } } }, /not byte-level/],
    ['two tokens with one id', { 'tokenizer.json': tokenizerJson({ vocab: { ...bytes, ab: 97 } }) }, /same id 97/],
    ['a negative id', { 'tokenizer.json': tokenizerJson({ vocab: { ...bytes, ab: -1 } }) }, /"ab" is -1/],
    ['a huge id', { 'tokenizer.json': tokenizerJson({ vocab: { ...bytes, ab: 4294967295 } }) }, /"ab" is 4294967295/],
    ['a token with a space', { 'tokenizer.json': tokenizerJson({ vocab: { ...bytes, 'a b': 300 } }) }, /not spelled in byte-level/],
    ['a missing byte', { 'tokenizer.json': tokenizerJson({ vocab: { '!': 33 } }) }, /no token for byte 0x00/],
    [
      'no end of text',
      { 'tokenizer.json': { ...tokenizerJson({}), added_tokens: [] } },
      /end-of-text token "<\|endoftext\|>" is not in the vocabulary/,
    ],
    ['a damaged merge', { 'vocab.json': bytes, 'merges.txt': '#version: 0.2\na b\na b c\n' }, /merges\.txt:3: a merge is two tokens/],
    [
      'add_bos_token without bos_token',
      { 'tokenizer.json': tokenizerJson({}), 'tokenizer_config.json': { add_bos_token: true } },
      /asks for add_bos_token/,
    ],
  ])('%s', async (_, files, says) => {
    const error = await refusal(folderWith(files));
    expect(error.message).toMatch(says);
  });

  it('a folder that is not there, and a file in its place', async () => {
    expect((await refusal(join(scratch, 'nowhere'))).message).toMatch(/no such folder/);
    const file = join(scratch, 'plain-file');
    writeFileSync(file, '');
    expect((await refusal(file)).message).toMatch(/not a folder/);
  });
});
