/**
 * A slot: a place for one execution at a time, with the workers that serve it. It starts them, lets those of other hash seeds rest, and
 * ends them; which job comes next (`schedule.ts`) and what its end means (`ends.ts`) it does not know.
 */
import os from 'node:os';
import type { LaunchOptions } from './launcher.js';
import type { Worker } from './worker.js';

/** Each holds a warm interpreter's memory. Two beside the current one serve fragility's three seeds without a restart. */
const RESTING_MOST = 2;

/** Jobs under another hash seed need another interpreter. A worker is started when first needed, and again after each end. */
export class Slot {
  /** Of `hashSeed`; null before the first and after each end. It may have died meanwhile. */
  worker: Worker | null = null;
  private hashSeed = 0;
  /** By hash seed, the longest unused first. */
  private readonly resting = new Map<number, Worker>();
  /** The ends of all its workers that are not gone yet. */
  private readonly exits = new Set<Promise<void>>();
  private closed: Error | null = null;

  /**
   * @param index among the executor's slots
   * @param start starts a worker for a hash seed, in this slot's place
   * @param first a worker for hash seed 0 that is up already
   */
  constructor(
    readonly index: number,
    private readonly start: (hashSeed: number) => Promise<Worker>,
    first: Worker | null,
  ) {
    if (first !== null) this.own(first);
  }

  /** Makes the worker of a hash seed the slot's own, where there is one, and lets the other rest. */
  turnTo(hashSeed: number): void {
    if (this.hashSeed === hashSeed) return;
    if (this.worker !== null) this.resting.set(this.hashSeed, this.worker);
    this.worker = this.resting.get(hashSeed) ?? null;
    this.hashSeed = hashSeed;
    this.resting.delete(hashSeed);
    for (const [seed, worker] of this.resting) {
      if (this.resting.size <= RESTING_MOST) break;
      worker.kill();
      this.resting.delete(seed);
    }
  }

  /** The slot's worker, started where there is none that lives. Throws what a failed start does, or the reason for which the slot was closed meanwhile. */
  async ready(): Promise<Worker> {
    if (this.worker !== null && !this.worker.isEnded) return this.worker;
    const worker = await this.start(this.hashSeed);
    this.own(worker);
    if (this.closed !== null) {
      this.retire();
      throw this.closed;
    }
    return worker;
  }

  /** Kills the slot's worker; the next job gets another. */
  retire(): void {
    this.worker?.kill();
    this.worker = null;
  }

  /** Kills all its workers, and those that are being started as soon as they are up. */
  close(reason: Error): void {
    this.closed ??= reason;
    this.retire();
    for (const worker of this.resting.values()) worker.kill();
    this.resting.clear();
  }

  /** Resolves when all workers that it has had are gone, with everything that they started: after `close`. */
  async gone(): Promise<void> {
    await Promise.all(this.exits);
  }

  private own(worker: Worker): void {
    this.worker = worker;
    const exit = worker.exit.finally(() => this.exits.delete(exit));
    this.exits.add(exit);
  }
}

/**
 * Where a worker runs. Each has a core of its own while there is one for each: its processes take turns, and waking the next on another
 * core costs more than what it does there. Where there are more workers than cores, nobody can say better than the system.
 */
export function placeOf(index: number, workers: number): LaunchOptions {
  return workers <= os.availableParallelism() ? { core: index } : {};
}
