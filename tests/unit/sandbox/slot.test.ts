/** What a slot does with its workers, which are fakes here: starts, rests, ends. */
import { describe, expect, it } from 'vitest';
import { Slot } from '../../../src/sandbox/slot.js';
import type { Worker } from '../../../src/sandbox/worker.js';

/** A worker without processes: dies of `kill` at once, and is gone when it is told to be. */
class FakeWorker {
  isEnded = false;
  killed = false;
  leave: () => void = () => undefined;
  readonly exit = new Promise<void>((resolve) => {
    this.leave = () => {
      this.isEnded = true;
      resolve();
    };
  });

  constructor(readonly hashSeed: number) {}

  kill(): void {
    this.killed = true;
  }
}

/** A slot, and its workers in the order in which they were started. */
function open(withFirst = false) {
  const workers: FakeWorker[] = [];
  const start = (hashSeed: number): Promise<Worker> => {
    const worker = new FakeWorker(hashSeed);
    workers.push(worker);
    return Promise.resolve(worker as unknown as Worker);
  };
  const first = new FakeWorker(0);
  if (withFirst) workers.push(first);
  const slot = new Slot(0, start, withFirst ? (first as unknown as Worker) : null);
  const readyFor = (hashSeed: number): Promise<Worker> => {
    slot.turnTo(hashSeed);
    return slot.ready();
  };
  /** The places among `workers` of those that were not killed. */
  const living = (): number[] => [...workers.keys()].filter((i) => !workers[i]!.killed);
  return { slot, workers, readyFor, living };
}

describe('a slot', () => {
  it('starts a worker when it needs one, and keeps it', async () => {
    const { slot, workers } = open();
    expect(slot.worker).toBeNull();
    expect(await slot.ready()).toBe(workers[0]);
    expect(await slot.ready()).toBe(workers[0]);
    expect(workers).toHaveLength(1);
  });

  it('takes the one that it was given', async () => {
    const { slot, workers } = open(true);
    expect(await slot.ready()).toBe(workers[0]);
    expect(workers).toHaveLength(1);
  });

  it('starts another after each that died or was retired', async () => {
    const { slot, workers } = open();
    await slot.ready();
    workers[0]!.leave();
    expect(await slot.ready()).toBe(workers[1]);
    slot.retire();
    expect(slot.worker).toBeNull();
    expect(workers[1]!.killed).toBe(true);
    expect(await slot.ready()).toBe(workers[2]);
  });

  it('lets the workers of two other hash seeds rest, and ends the longest unused', async () => {
    const { workers, readyFor, living } = open(true);
    for (const hashSeed of [0, 1, 2, 0]) await readyFor(hashSeed);
    expect(workers.map(({ hashSeed }) => hashSeed)).toEqual([0, 1, 2]);
    expect(living()).toEqual([0, 1, 2]);
    // Rests since before that of seed 2.
    expect(await readyFor(3)).toBe(workers[3]);
    expect(living()).toEqual([0, 2, 3]);
    expect(await readyFor(2)).toBe(workers[2]);
    expect(await readyFor(1)).toBe(workers[4]);
    expect(living()).toEqual([2, 3, 4]);
  });

  it('lets none rest that is retired, and starts another in place of one that died at rest', async () => {
    const { slot, workers, readyFor } = open(true);
    slot.retire();
    await readyFor(1);
    expect(await readyFor(0)).toBe(workers[2]);
    workers[1]!.leave();
    expect(await readyFor(1)).toBe(workers[3]);
    expect(workers[3]!.hashSeed).toBe(1);
  });

  it('ends all of them when it is closed, the one that is being started as well', async () => {
    const { slot, workers, readyFor, living } = open(true);
    for (const hashSeed of [1, 2]) await readyFor(hashSeed);
    slot.retire();
    const starting = slot.ready();
    const reason = new Error('closed');
    slot.close(reason);
    slot.close(new Error('closed again'));
    await expect(starting).rejects.toBe(reason);
    expect(workers).toHaveLength(4);
    expect(living()).toEqual([]);
    expect(slot.worker).toBeNull();
  });

  it('is gone when the last of them is', async () => {
    const { slot, workers, readyFor } = open(true);
    await readyFor(1);
    slot.retire();
    slot.close(new Error('closed'));
    const order: string[] = [];
    const gone = slot.gone().then(() => order.push('slot'));
    for (const worker of workers) {
      // Whatever could run by now has.
      await new Promise(setImmediate);
      order.push('worker');
      worker.leave();
    }
    await gone;
    expect(order).toEqual(['worker', 'worker', 'slot']);
    await slot.gone();
  });
});
