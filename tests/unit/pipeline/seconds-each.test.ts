/** Measuring a piece of work: it ends, and it is of what there is. How long things take is not asked. */
import { describe, expect, it } from 'vitest';
import { secondsEach, spread } from '../../../src/pipeline/seconds-each.js';

const busy = (milliseconds: number): void => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

describe('secondsEach', () => {
  it('is null where there is nothing to measure', () => {
    expect(secondsEach([], () => 1)).toBeNull();
    let asked = 0;
    expect(secondsEach([1, 2], () => { asked++; return 0; })).toBeNull(); // prettier-ignore
    expect(asked).toBe(2);
  });

  it('goes through the items in order, again and again, and ends also where one piece takes longer than all may', () => {
    const seen: number[] = [];
    const found = secondsEach([1, 2, 3], (item) => {
      seen.push(item);
      busy(4);
      return 1;
    }); // prettier-ignore
    expect(found).toBeGreaterThan(0);
    expect(seen.length).toBeGreaterThan(3);
    expect(seen).toEqual(seen.map((_, i) => 1 + (i % 3)));
    let pieces = 0;
    expect(secondsEach(['long'], () => { pieces++; busy(120); return 1; })).toBeGreaterThan(0); // prettier-ignore
    expect(pieces).toBeLessThan(10);
  });

  it('counts units, not items', () => {
    const one = secondsEach([1], () => { busy(5); return 1; })!; // prettier-ignore
    const thousand = secondsEach([1], () => { busy(5); return 1_000_000; })!; // prettier-ignore
    expect(thousand).toBeLessThan(one);
  });
});

it('spread gives each element once, and the first few from all over', () => {
  for (const length of [0, 1, 2, 3, 10, 75, 164, 974]) {
    const elements = [...Array(length).keys()];
    expect([...spread(elements)].sort((a, b) => a - b)).toEqual(elements);
  }
  const first = spread([...Array(164).keys()]).slice(0, 8).sort((a, b) => a - b); // prettier-ignore
  const gaps = first.map((place, i) => place - (first[i - 1] ?? 0));
  expect(Math.max(...gaps, 164 - first.at(-1)!)).toBeLessThan(164 / 3);
});
