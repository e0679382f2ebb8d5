import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOfSpelling, spellBytes } from '../../../src/tokenizer/bytes.js';

describe("GPT-2's byte spelling", () => {
  it('spells white space as the published vocabularies do', () => {
    expect(spellBytes(Buffer.from(' a\n\t\r'))).toBe('ĠaĊĉč');
  });

  it('is one-to-one on all bytes', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(new Set(spellBytes(all)).size).toBe(256);
    expect(bytesOfSpelling(spellBytes(all))).toEqual(all);
  });

  it('reverses on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        expect([...bytesOfSpelling(spellBytes(bytes))!]).toEqual([...bytes]);
      }),
    );
  });

  it('knows what is not a spelling', () => {
    expect(bytesOfSpelling('a b')).toBeNull();
    expect(bytesOfSpelling('日')).toBeNull();
    expect(bytesOfSpelling('')).toEqual(new Uint8Array());
  });
});
