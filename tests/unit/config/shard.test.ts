/** Shards: how they are written, and that those of one n are a partition. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heldBy, holds, shard, showShard, WHOLE } from '../../../src/config/shard.js';
import { Mismatch } from '../../../src/config/value-types.js';

describe('a shard', () => {
  it.each([
    ['0/1', { index: 0, count: 1 }],
    ['1/2', { index: 1, count: 2 }],
    ['99/100', { index: 99, count: 100 }],
  ])('is read from %s, and shown as that', (text, value) => {
    expect(shard().fromText(text)).toEqual(value);
    expect(shard().parse(text)).toEqual(value);
    expect(showShard(value)).toBe(text);
  });

  it.each(['2/2', 'x', '0/0', '', '1', '/2', '1/', '-1/2', '0/2/4', '0 / 2', '1.0/2', '0/99999', '999999/9999999'])('is not %j', (text) => {
    expect(() => shard().fromText(text)).toThrow(Mismatch);
    expect(() => shard().fromText(text)).toThrow('expected a shard i/n');
  });

  it('is not a number, though YAML could read one', () => {
    for (const raw of [0.5, 1n, null, ['0/2']]) expect(() => shard().parse(raw)).toThrow(Mismatch);
  });
});

describe('the shards of one n', () => {
  it('hold every problem once, in order, and shares that differ by one at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 200 }), (count, problems) => {
        const items = Array.from({ length: problems }, (_, i) => i);
        const parts = Array.from({ length: count }, (_, index) => heldBy([{ index, count }], items));
        expect(parts.flat().sort((a, b) => a - b)).toEqual(items);
        for (const part of parts) {
          expect(part).toEqual([...part].sort((a, b) => a - b));
          expect(Math.abs(part.length - problems / count)).toBeLessThan(1);
        }
      }),
    );
  });

  it('are joined without counting twice', () => {
    expect(heldBy([{ index: 0, count: 2 }, { index: 0, count: 3 }], [0, 1, 2, 3, 4, 5])).toEqual([0, 2, 3, 4]); // prettier-ignore
    expect([0, 1, 2].every((position) => holds([WHOLE], position))).toBe(true);
  });
});
