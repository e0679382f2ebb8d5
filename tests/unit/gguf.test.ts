/** What a model path means, and the header of a GGUF file: read, refused byte by byte, and never more memory than it earns. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { FaultlineError } from '../../src/errors.js';
import { ggufFileOf, parseGgufHeader, readGgufHeader, type GgufHeader, type GgufValue } from '../../src/gguf.js';
import { TYPE, array, entry, flagEntry, header, numberEntry, numbersEntry, stringEntry, stringsEntry, tensor, text, uint32, uint64 } from './gguf-bytes.js'; // prettier-ignore

const scratch = mkdtempSync(join(tmpdir(), 'faultline-gguf-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});
const all = () => true;
const parse = (bytes: Buffer, size = bytes.length): GgufHeader | null => parseGgufHeader(bytes, size, 'x.gguf', all);

const DEEP = Array.from({ length: 8 }).reduce<Buffer>((inner) => array(TYPE.array, 1, inner), array(TYPE.u8, 1, Buffer.from('x')));
const HUGE = 2n ** 64n - 1n;

const whole = header(
  [
    stringEntry('general.architecture', 'gpt2'),
    numberEntry('n', 4_294_967_295),
    entry('negative', TYPE.i32, Buffer.from([255, 255, 255, 255])),
    entry('half', TYPE.f32, Buffer.from([0, 0, 0, 63])),
    entry('small', TYPE.u64, uint64(7)),
    entry('huge', TYPE.u64, uint64(HUGE)),
    flagEntry('yes', true),
    stringsEntry('words', ['a', 'Ġb', '']),
    numbersEntry('types', [1, 3]),
    entry('nested', TYPE.array, array(TYPE.array, 2, Buffer.concat([array(TYPE.bool, 1, Buffer.from([1])), array(TYPE.u8, 0, Buffer.alloc(0))]))), // prettier-ignore
  ],
  [tensor('token_embd.weight', [32, 5]), tensor('scalar', [])],
);

describe('the header', () => {
  it('gives what was written', () => {
    const { metadata, shapes } = parse(whole)!;
    expect(Object.fromEntries(metadata)).toEqual({
      'general.architecture': 'gpt2',
      n: 4_294_967_295,
      negative: -1,
      half: 0.5,
      small: 7,
      huge: HUGE,
      yes: true,
      words: ['a', 'Ġb', ''],
      types: [1, 3],
      nested: [[true], []],
    });
    expect(Object.fromEntries(shapes)).toEqual({ 'token_embd.weight': [5, 32], scalar: [] });
  });

  it('keeps only what is asked for, and checks the rest', () => {
    const { metadata } = parseGgufHeader(whole, whole.length, 'x.gguf', (key) => key === 'n')!;
    expect([...metadata]).toEqual([['n', 4_294_967_295]]);
    const bad = header([entry('k', TYPE.array, array(TYPE.bool, 2, Buffer.from([1, 3])))]);
    expect(() => parseGgufHeader(bad, bad.length, 'x.gguf', () => false)).toThrow('byte 50: "k" is neither false nor true');
  });

  it('asks for more bytes at every cut, and refuses every truncation', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(parse(whole.subarray(0, length), whole.length)).toBeNull();
      expect(() => parse(whole.subarray(0, length))).toThrow(/^x\.gguf: byte \d+: .*\(is it truncated\?\)$/);
    }
  });

  it.each<[string, Buffer, string]>([
    ['another file', Buffer.from('PK\x03\x04'), 'byte 0: does not begin with "GGUF"'],
    ['version 1', header([], [], { version: 1 }), 'byte 4: has version 1, but versions 2 and 3 are read'],
    ['big-endian', header([], [], { version: 0x03000000 }), 'byte 4: the file is big-endian'],
    ['a count of tensors', header([], [], { tensorCount: HUGE }), 'byte 8: the number of tensors is 18446744073709552000'],
    ['a count of values', header([], [], { entryCount: 2 }), 'byte 16: the number of metadata values is 2, but the file'],
    ['a key of 64 KiB', header([entry(Buffer.alloc(65_536, 97), 4, uint32(1))]), 'byte 24: a key is 65536 bytes long, more than 65535'],
    ['a key that is no text', header([entry(Buffer.from([0xc0, 0x80]), 4, uint32(1))]), 'byte 32: a key is not valid UTF-8'],
    ['a type', header([entry('k', 13, uint64(0))]), 'byte 33: "k" has the unknown type 13'],
    ['a flag', header([entry('k', TYPE.bool, Buffer.from([2]))]), 'byte 37: "k" is neither false nor true'],
    ['a string', header([entry('k', TYPE.string, uint64(HUGE))]), 'byte 45: "k" needs 18446744073709552000 bytes, but'],
    ['numbers', header([entry('k', TYPE.array, array(TYPE.u64, HUGE, Buffer.alloc(9)))]), 'byte 49: "k" needs 18446744073709552000 x 8'],
    ['strings', header([entry('k', TYPE.array, array(TYPE.string, HUGE, text('a')))]), 'byte 58: "k" needs 8 bytes, but the file has 0'],
    [
      'arrays',
      header([entry('k', TYPE.array, array(TYPE.array, HUGE, Buffer.alloc(0)))]),
      'byte 49: "k" needs 4 bytes, but the file has 0',
    ],
    ['arrays in arrays', header([entry('k', TYPE.array, DEEP)]), 'byte 133: "k" nests deeper than 8 arrays'],
    ['a key twice', header([numberEntry('k', 1), numberEntry('k', 2)]), 'byte 41: has two values for the key "k"'],
    ['a name', header([], [tensor('n'.repeat(65), [1])]), "byte 24: a tensor's name is 65 bytes long, more than 64"],
    ['dimensions', header([], [tensor('a', [1, 1, 1, 1, 1])]), 'byte 33: tensor "a" has 5 dimensions, more than 4'],
    ['a tensor twice', header([], [tensor('a', [1]), tensor('a', [1])]), 'byte 57: has two tensors named "a"'],
  ])('refuses a lie about %s', (_, bytes, reason) => {
    expect(() => parse(bytes)).toThrow(FaultlineError);
    expect(() => parse(bytes)).toThrow(`x.gguf: ${reason}`);
  });

  it('never throws anything else, nor keeps more than the bytes can hold', () => {
    const mutation = fc.record({ at: fc.nat(whole.length), shift: fc.nat(3), insert: fc.uint8Array({ maxLength: 9 }) });
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), fc.nat(2 ** 40), (mutations, more) => {
        let bytes: Buffer = whole;
        for (const { at, shift, insert } of mutations)
          bytes = Buffer.concat([
            bytes.subarray(0, at),
            insert,
            bytes.subarray(Math.min(bytes.length, at + insert.length + (shift === 1 ? 1 : 0))),
          ]);
        for (const size of [bytes.length, bytes.length + more]) {
          try {
            const found = parse(bytes, size);
            // Whatever is kept came out of the bytes: every character, element and dimension takes one or more of them.
            if (found !== null) expect(weight([...found.metadata.values()]) + found.shapes.size).toBeLessThanOrEqual(bytes.length);
            accepted += 1;
          } catch (error) {
            if (!(error instanceof FaultlineError)) throw error;
            expect([error.kind, error.place]).toEqual(['input', { file: 'x.gguf' }]);
            refused += 1;
          }
        }
      }),
      { numRuns: 2000, seed: 1 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(200);
  });

  it('is read from files, in as many pieces as it takes', async () => {
    const file = join(scratch, 'large.gguf');
    // Longer than the first read, and the file longer than its header.
    const words = Array.from({ length: 500_000 }, (_, i) => `word ${i}`);
    writeFileSync(file, Buffer.concat([header([stringsEntry('words', words)], [tensor('a', [2, 3])]), Buffer.alloc(1 << 20)]));
    const { metadata, shapes } = await readGgufHeader(file, all);
    expect((metadata.get('words') as string[]).at(-1)).toBe('word 499999');
    expect(shapes.get('a')).toEqual([3, 2]);
  });

  it('is refused where it fills the file, without reading all of it', async () => {
    const file = join(scratch, 'sparse.gguf');
    writeFileSync(file, header([entry('k', TYPE.array, array(TYPE.u8, 2 ** 39, Buffer.alloc(0)))], [], { entryCount: 1 }));
    truncateSync(file, 2 ** 40);
    await expect(readGgufHeader(file, () => false)).rejects.toThrow(`${file}: its metadata and tensor table take more than 256 MiB`);
  });

  it('says what cannot be opened', async () => {
    await expect(readGgufHeader(join(scratch, 'none.gguf'), all)).rejects.toMatchObject({ kind: 'input', place: { file: join(scratch, 'none.gguf') } }); // prettier-ignore
    await expect(readGgufHeader('/dev/zero', all)).rejects.toThrow('/dev/zero: is not a regular file');
  });
});

/** Elements and characters of a value, all levels together. */
function weight(value: GgufValue): number {
  if (typeof value === 'string') return value.length;
  return Array.isArray(value) ? (value as readonly GgufValue[]).reduce<number>((sum, item) => sum + weight(item), 0) : 1;
}

describe('a model path', () => {
  const folder = (name: string, files: readonly string[]): string => {
    const path = join(scratch, name);
    mkdirSync(path);
    for (const file of files) writeFileSync(join(path, file), '');
    return path;
  };

  it('means a file by its name, or the only one in a folder without safetensors', () => {
    const one = folder('one', ['m.gguf', 'README.md']);
    expect(ggufFileOf(one)).toBe(join(one, 'm.gguf'));
    expect(ggufFileOf(join(one, 'm.gguf'))).toBe(join(one, 'm.gguf'));
    expect(ggufFileOf(join(one, 'README.md'))).toBeNull();
    expect(ggufFileOf(join(one, 'none.gguf'))).toBeNull();
    expect(ggufFileOf(folder('both', ['m.gguf', 'model.safetensors']))).toBeNull();
    expect(ggufFileOf(folder('neither', ['config.json']))).toBeNull();
    expect(ggufFileOf(folder('name.gguf', ['config.json']))).toBeNull();
  });

  it('is not guessed at where a folder holds several', () => {
    const two = folder('two', ['b.gguf', 'a.gguf']);
    expect(() => ggufFileOf(two)).toThrow(`${two}: holds 2 GGUF files, and a model is one`);
  });
});
