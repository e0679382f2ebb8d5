import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completionText, preparePrompt, PROMPT_BOUNDARIES } from '../../../src/decoding/prompt-boundary.js';
import { byteTokenizer } from './fixtures.js';

const bytes = (text: string) => [...Buffer.from(text, 'utf8')];
const plain = byteTokenizer({ merges: ['"""\n', 'ab'] });
const withBos = byteTokenizer({ merges: ['"""\n', 'ab'], addBos: true });

describe('preparePrompt', () => {
  it('heal removes the last token and gives its bytes', () => {
    const prepared = preparePrompt('x = """\n', plain, 'heal');
    expect([...prepared.tokens]).toEqual(bytes('x = '));
    expect([...prepared.healBytes]).toEqual(bytes('"""\n'));
    expect([...prepared.textBytes]).toEqual(bytes('x = """\n'));
    expect(prepared.strippedText).toBe('');
  });

  it('heal starts from end-of-text when there is one token, with and without BOS', () => {
    for (const tokenizer of [plain, withBos]) {
      const prepared = preparePrompt('ab', tokenizer, 'heal');
      expect([...prepared.tokens]).toEqual([tokenizer.eosToken]);
      expect([...prepared.healBytes]).toEqual(bytes('ab'));
    }
  });

  it('heal leaves a BOS of its own in place', () => {
    const tokenizer = byteTokenizer({ addBos: true, separateBos: true });
    expect([...preparePrompt('a', tokenizer, 'heal').tokens]).toEqual([tokenizer.bosToken]);
  });

  it('none changes nothing', () => {
    const prepared = preparePrompt('a\n', withBos, 'none');
    expect([...prepared.tokens]).toEqual([withBos.bosToken, ...bytes('a\n')]);
    expect(prepared.healBytes).toHaveLength(0);
  });

  it('strip hides trailing white space and remembers it', () => {
    const prepared = preparePrompt('f(x):\n    \t\r\n', plain, 'strip');
    expect([...prepared.tokens]).toEqual(bytes('f(x):'));
    expect([...prepared.textBytes]).toEqual(bytes('f(x):'));
    expect(prepared.strippedText).toBe('\n    \t\r\n');
    expect(prepared.healBytes).toHaveLength(0);
  });

  it.each(PROMPT_BOUNDARIES)('%s continues nothing from end-of-text', (boundary) => {
    for (const prompt of boundary === 'strip' ? ['', '\n \n'] : ['']) {
      const prepared = preparePrompt(prompt, plain, boundary);
      expect([...prepared.tokens]).toEqual([plain.eosToken]);
      expect(prepared.healBytes).toHaveLength(0);
    }
  });

  it('never loses a byte of the prompt: tokens, healed bytes and stripped text make it up again', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '"""\n', '\n', ' ', 'é') }),
        fc.constantFrom(...PROMPT_BOUNDARIES),
        (prompt, boundary) => {
          const prepared = preparePrompt(prompt, withBos, boundary);
          const spelled = [...prepared.tokens].flatMap((token) => [...withBos.tokenBytes(token)]);
          expect([...spelled, ...prepared.healBytes, ...bytes(prepared.strippedText)]).toEqual(bytes(prompt));
          expect(prepared.tokens.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('completionText', () => {
  const of = (text: string, cutAt: number, stripped = '') => completionText(Buffer.from(text, 'utf8'), cutAt, stripped);

  it('cuts by bytes and reports UTF-16 units', () => {
    const text = '    return "é𝔘"\nprint()';
    const cut = Buffer.byteLength('    return "é𝔘"\n');
    expect(of(text, cut)).toEqual({ rawText: text, completion: '    return "é𝔘"\n', cut: '    return "é𝔘"\n'.length });
  });

  it('replaces bytes that are no UTF-8, at the end and in the middle', () => {
    expect(completionText(Uint8Array.of(0x61, 0xf0, 0x9d), 3)).toEqual({ rawText: 'a\ufffd', completion: 'a\ufffd', cut: 2 });
    expect(completionText(Uint8Array.of(0xff, 0x61), 2).completion).toBe('\ufffda');
  });

  it('keeps a byte-order mark', () => {
    expect(completionText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 4).completion).toBe('\ufeffa');
  });

  it('leaves out the stripped white space that the model wrote again', () => {
    expect(of('\n    return 1\n', 14, '\n')).toMatchObject({ completion: '    return 1\n', rawText: '    return 1\n' });
    expect(of('\n    return 1\n', 14, '\n    ').completion).toBe('return 1\n');
  });

  it('keeps what the model wrote instead of the stripped white space', () => {
    expect(of('  # why\n', 8, '\n').completion).toBe('  # why\n');
    expect(of('\n  x', 4, '\n    ').completion).toBe('x');
  });

  it('is empty when the cut lies within the repeated white space', () => {
    expect(of('\n    x', 1, '\n    ')).toEqual({ rawText: 'x', completion: '', cut: 0 });
  });

  it('always gives a beginning of the raw text that JSON carries unchanged', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(40), fc.constantFrom('', '\n', '\n  '), (generated, at, stripped) => {
        const { rawText, completion, cut } = completionText(generated, Math.min(at, generated.length), stripped);
        expect(rawText.startsWith(completion)).toBe(true);
        expect(completion).toHaveLength(cut);
        expect(Buffer.from(rawText, 'utf8').toString('utf8')).toBe(rawText); // no half surrogate pair
        expect(JSON.parse(Buffer.from(JSON.stringify(completion), 'utf8').toString('utf8'))).toBe(completion);
      }),
    );
  });
});
