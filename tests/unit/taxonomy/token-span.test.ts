/**
 * From bytes of a completion to tokens, by property: over texts of any kind, as a real tokenizer cuts them, and over
 * tokens that spell no text at all. What is expected is found another way, character by character or byte by byte.
 */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { completionText, preparePrompt, PROMPT_BOUNDARIES } from '../../../src/decoding/prompt-boundary.js';
import { tokenSpan } from '../../../src/taxonomy/token-span.js';
import { loadTokenizer } from '../../../src/tokenizer/bpe.js';
import type { Tokenizer } from '../../../src/tokenizer/types.js';

const tokenizer: Tokenizer = await loadTokenizer('data/models/pico-gpt2-py');
const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

/** Text without lone surrogates, as no completion has any; much of it several bytes a character. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom('    return ', 'x', '\n', '\r\n', '\t', 'é', '日本', '🙂', '👩‍👧', '\uFEFF', '\uFFFD', 'def f(x):\n', ' '),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 25 },
  )
  .map((parts) => utf8(parts.join('')).toString('utf8'));

interface Generated {
  readonly tokens: readonly Uint8Array[];
  readonly rawText: string;
  /** Bytes of the tokens before the text. */
  readonly lead: number;
}

/** The text as a model would have generated it after this prompt: its own tokens, which the boundary's bytes are part of. */
function generated(prompt: string, completion: string, boundary: (typeof PROMPT_BOUNDARIES)[number]): Generated {
  const { healBytes, strippedText } = preparePrompt(prompt, tokenizer, boundary);
  const before = Buffer.concat([healBytes, utf8(strippedText)]);
  const said = Buffer.concat([before, utf8(completion)]);
  // A token may end anywhere in a character: byte by byte where the bytes before are no text by themselves.
  const whole = said.toString('utf8');
  const ids = utf8(whole).equals(said) ? [...tokenizer.encode(whole)] : [...said].map(tokenOfByte);
  const tokens = ids.map((id) => tokenizer.tokenBytes(id));
  const { rawText } = completionText(said.subarray(healBytes.length), said.length - healBytes.length, strippedText);
  return { tokens, rawText, lead: before.length };
}

const BYTE_TOKENS = new Map<number, number>();
for (let id = 0; id < tokenizer.vocabularySize; id++) {
  const bytes = tokenizer.tokenBytes(id);
  if (bytes.length === 1) BYTE_TOKENS.set(bytes[0]!, id);
}
const tokenOfByte = (byte: number): number => BYTE_TOKENS.get(byte)!;

describe("a real tokenizer's tokens", () => {
  it('hold the bytes they are said to hold, whatever the boundary', () => {
    fc.assert(
      fc.property(text, text, fc.constantFrom(...PROMPT_BOUNDARIES), fc.nat(), fc.nat(), (prompt, completion, boundary, a, b) => {
        const { tokens, rawText, lead } = generated(prompt, completion, boundary);
        expect(rawText).toBe(completion);
        const size = utf8(completion).length;
        fc.pre(size > 0);
        const [start, last] = [a % size, b % size].sort((x, y) => x - y) as [number, number];
        const span = tokenSpan(tokens, rawText, { start, end: last + 1 });
        // Every byte of the range and of the characters at its ends, looked up one by one.
        const owner = tokens.flatMap((token, index) => Array.from(token, () => index));
        const whole = wholeCharacters(completion, start, last + 1);
        expect(span).toEqual({ first: owner[lead + whole.start], last: owner[lead + whole.end - 1] });
      }),
      { numRuns: 1_000 },
    );
  });

  it('are found in a line of a program, between others', () => {
    const completion = '    x = "日本🙂"\n    return x + é\n';
    const { tokens, rawText } = generated('def f():\n', completion, 'heal');
    const start = utf8(completion.slice(0, completion.indexOf('return'))).length;
    const { first, last } = tokenSpan(tokens, rawText, { start, end: start + utf8('return x + é').length });
    const said = Buffer.concat(tokens.slice(first, last + 1)).toString('utf8');
    expect(said.trim()).toBe('return x + é');
  });
});

/** The range widened to the characters that its first and last byte belong to. */
function wholeCharacters(completion: string, start: number, end: number): { start: number; end: number } {
  let at = 0;
  let first: number | null = null;
  for (const character of completion) {
    const next = at + utf8(character).length;
    if (first === null && next > start) first = at;
    at = next;
    if (at >= end) break;
  }
  return { start: first!, end: at };
}

describe('tokens that spell no text', () => {
  const badBytes = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc
      .array(fc.constantFrom(0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x99, 0x82, 0xed, 0xa0, 0x80, 0xc0, 0xf4, 0x90, 0x41, 0xff), { maxLength: 30 })
      .map((bytes) => Uint8Array.from(bytes)),
  );

  it('are cut into characters as the text was', () => {
    fc.assert(
      fc.property(badBytes, (bytes) => {
        const { rawText } = completionText(bytes, bytes.length);
        const tokens = Array.from(bytes, (byte) => Uint8Array.of(byte));
        let at = 0;
        let next = 0;
        for (const character of rawText) {
          const size = utf8(character).length;
          const { first, last } = tokenSpan(tokens, rawText, { start: at, end: at + size });
          expect(first).toBe(next);
          expect(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(first, last + 1))).toBe(character);
          [at, next] = [at + size, last + 1];
        }
        expect(next).toBe(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('are found where a character is split among them, and special tokens are stepped over', () => {
    const [a, b, c, d] = utf8('🙂');
    const tokens = [Uint8Array.of(0x78, a!), Uint8Array.of(b!), new Uint8Array(), Uint8Array.of(c!, d!, 0x79)];
    expect(tokenSpan(tokens, 'x🙂y', { start: 1, end: 5 })).toEqual({ first: 0, last: 3 });
    expect(tokenSpan(tokens, 'x🙂y', { start: 5, end: 6 })).toEqual({ first: 3, last: 3 });
  });
});

describe('what cannot be', () => {
  test.each([
    ['a text that the tokens do not spell', 'abd', { start: 0, end: 1 }, /do not spell/],
    ['a range beyond the text', 'abc', { start: 2, end: 4 }, /outside a completion of 3 bytes/],
  ])('%s is an error', (_, rawText, range, message) => {
    expect(() => tokenSpan([utf8('ab'), utf8('c')], rawText, range)).toThrow(message);
  });
});
