/** The hand-over between stages. */
import { expect, it } from 'vitest';
import { BatchWriter } from '../../../src/pipeline/batch-writer.js';
import { WorkQueue } from '../../../src/pipeline/work-queue.js';

function readerOf(places: readonly number[]) {
  return function* (after: number): Generator<{ place: number }> {
    for (const place of places) if (place > after) yield { place };
  };
}

it('gives items in order, waits for more, and ends when closed', async () => {
  const there = [1, 2];
  const queue = new WorkQueue(readerOf(there));
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { place } of queue) seen.push(place);
  })();
  await new Promise(setImmediate);
  expect(seen).toEqual([1, 2]);
  there.push(5);
  queue.announce();
  await new Promise(setImmediate);
  expect(seen).toEqual([1, 2, 5]);
  there.push(6);
  queue.announce();
  there.push(7);
  queue.close();
  await reading;
  expect(seen).toEqual([1, 2, 5, 6, 7]);
});

it('misses nothing that is announced while it reads or while its reader works', async () => {
  const there = [1];
  const queue = new WorkQueue(function* (after: number): Generator<{ place: number }> {
    // As a listing does that read its rows at once: what comes meanwhile is not in it.
    for (const place of there.filter((each) => each > after)) yield { place };
  });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const { place } of queue) {
      seen.push(place);
      if (place < 50) {
        there.push(place + 1);
        queue.announce();
        if (place % 7 === 0) await new Promise(setImmediate);
      } else queue.close();
    }
  })();
  await reading;
  expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
});

it('ends at once when it is closed and empty', async () => {
  const queue = new WorkQueue(readerOf([]));
  queue.close();
  expect((await queue[Symbol.asyncIterator]().next()).done).toBe(true);
});

it('writes every row once, in order, in batches, the rest on flush', () => {
  const batches: number[][] = [];
  const writer = new BatchWriter<number>((rows) => batches.push([...rows]));
  for (let i = 0; i < 150; i++) writer.add(i);
  writer.flush();
  writer.flush();
  expect(batches.flat()).toEqual(Array.from({ length: 150 }, (_, i) => i));
  expect(batches.length).toBeLessThan(10);
});
