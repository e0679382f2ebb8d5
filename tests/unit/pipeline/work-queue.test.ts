/** The hand-over between stages. */
import { expect, it } from 'vitest';
import { BatchWriter } from '../../../src/pipeline/batch-writer.js';
import { WorkQueue } from '../../../src/pipeline/work-queue.js';

it('gives items in order, waits for more, and ends when closed', async () => {
  const queue = new WorkQueue<number>();
  const seen: number[] = [];
  const reading = (async () => {
    for await (const item of queue) seen.push(item);
  })();
  queue.push([1, 2]);
  await new Promise(setImmediate);
  expect(seen).toEqual([1, 2]);
  queue.push([3]);
  await new Promise(setImmediate);
  queue.push([4]);
  queue.close();
  await reading;
  expect(seen).toEqual([1, 2, 3, 4]);
});

it('ends at once when it is closed and empty', async () => {
  const queue = new WorkQueue<number>();
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
