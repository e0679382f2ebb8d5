import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedSeed, sampleKey, taskHash } from '../../../src/decoding/keys.js';
import { askPython } from '../datasets/python.js';

describe('keys', () => {
  it('hash a task as the documented line of Python does', () => {
    const ids = ['HumanEval/0', 'HumanEval/1', 'Pico/79', '', 'ü/日本'];
    const program =
      'import hashlib, json, sys\nprint(json.dumps([str(int.from_bytes(hashlib.sha256(i.encode()).digest()[:8], "big")) for i in json.load(sys.stdin)]))';
    expect(ids.map((id) => taskHash(id).toString())).toEqual(askPython(program, ids));
  });

  it('stay what they are: changing them changes every published sample', () => {
    expect(taskHash('HumanEval/0').toString(16)).toBe('de004141fa5f04d8');
    expect(sampleKey(0n, 'HumanEval/0')).toBe(taskHash('HumanEval/0'));
  });

  it('are 64 bits, and differ for another seed or task', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), fc.string(), (a, b, id) => {
        const key = sampleKey(a, id);
        expect(key >= 0n && key < 2n ** 64n).toBe(true);
        expect(key === sampleKey(b, id)).toBe(a === b);
      }),
    );
    expect(new Set(Array.from({ length: 1000 }, (_, i) => sampleKey(1n, `HumanEval/${i}`))).size).toBe(1000);
  });

  it('take seeds of 64 bits, as number or bigint', () => {
    expect(checkedSeed(7)).toBe(7n);
    expect(checkedSeed(2n ** 64n - 1n)).toBe(2n ** 64n - 1n);
    for (const seed of [-1, 1.5, NaN, 2 ** 60, -1n, 2n ** 64n])
      expect(() => checkedSeed(seed), String(seed)).toThrow(/expected a whole number from 0 to 18446744073709551615/);
  });
});
