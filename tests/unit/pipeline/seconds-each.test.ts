/** Measuring a piece of work: it ends, and it is of what there is. Time is the test's own, so that no other program has a part in it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { secondsEach, spread } from '../../../src/pipeline/seconds-each.js';

/** The clock and the processor's time of this process, which go on where the test says so alone. */
let [clock, processor] = [0, 0];
beforeEach(() => {
  [clock, processor] = [0, 0];
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  vi.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: processor * 1_000, system: 0 }));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Works for so long, with a share of a core. */
const busy = (milliseconds: number, share = 1): void => {
  clock += milliseconds;
  processor += milliseconds * share;
};

describe('secondsEach', () => {
  it('is null where there is nothing to measure', () => {
    expect(secondsEach([], () => 1)).toBeNull();
    let asked = 0;
    expect(secondsEach([1, 2], () => { asked++; return 0; })).toBeNull(); // prettier-ignore
    expect(asked).toBe(2);
  });

  it('goes through the items in order, again and again, and is what one of them takes', () => {
    const seen: number[] = [];
    const found = secondsEach([1, 2, 3], (item) => {
      seen.push(item);
      busy(4);
      return 1;
    });
    expect(found).toBeCloseTo(0.004, 10);
    expect(seen.length).toBeGreaterThan(3);
    expect(seen).toEqual(seen.map((_, i) => 1 + (i % 3)));
  });

  it('ends also where one piece takes longer than all may', () => {
    let pieces = 0;
    expect(secondsEach(['long'], () => { pieces++; busy(120); return 1; })).toBeCloseTo(0.12, 10); // prettier-ignore
    expect(pieces).toBe(1);
  });

  it('leaves out what other programs took, and ends where they leave it next to nothing', () => {
    expect(secondsEach([1], () => { busy(20, 0.25); return 1; })).toBeCloseTo(0.005, 10); // prettier-ignore
    let pieces = 0;
    expect(secondsEach([1], () => { pieces++; busy(20, 0.001); return 1; })).toBeCloseTo(0.00002, 10); // prettier-ignore
    // Ten times what may be spent, by the clock.
    expect(pieces).toBe(30);
  });

  it('counts units, not items', () => {
    expect(secondsEach([1], () => { busy(5); return 1; })).toBeCloseTo(0.005, 10); // prettier-ignore
    expect(secondsEach([1], () => { busy(5); return 1_000_000; })).toBeCloseTo(5e-9, 12); // prettier-ignore
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
