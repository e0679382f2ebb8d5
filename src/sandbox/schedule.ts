/**
 * Who may start now: the order of jobs over a number of slots, the jobs that run alone, and the ones that are handed ahead to a worker
 * that is at another. It starts nothing itself, waits for nothing and judges nothing: it tells its crew what to start, and is told what
 * has come of it. No processes, no promises, no verdicts.
 */

/** What counts of a job here. It may change meanwhile. */
export interface Schedulable {
  /** Decided or aborted: it is not started any more. */
  readonly done: boolean;
  readonly hashSeed: number;
  /** Workers that have died under it. It may cost the next one its life too, so that it neither is handed ahead nor has one behind it. */
  readonly deaths: number;
}

/** Who does what is decided here. `T`: a job. `H`: what there is to be had of a job that a worker has received already. */
export interface Crew<T, H> {
  /**
   * Begins a job on a free slot, or goes on with what its worker has received ahead. Returns at once; the slot is the job's until
   * `Schedule.ended`.
   */
  start(task: T, slot: number, handed: H | null): void;
  /** Hands a slot's worker one more job while it is at another. Null where the worker takes none now. */
  handAhead(task: T, slot: number): H | null;
  /** Ends a free slot's worker: the job that it has was aborted, which it does not know, and it may be at it. */
  giveUp(slot: number): void;
}

/** A place for one job at a time. */
interface Slot<T, H> {
  task: T | null;
  /** Whether its worker is at a job behind which the next may be handed over. */
  takesAhead: boolean;
  /** What its worker does next, at once. It counts as begun only when its turn has come: a worker that is given up hands it back. */
  ahead: { readonly task: T; readonly handed: H } | null;
}

export class Schedule<T extends Schedulable, H> {
  private readonly slots: Slot<T, H>[];
  private readonly queue: T[] = [];
  /** Jobs that run with no other beside them. While one waits no other starts, so that it gets its turn. */
  private readonly queueAlone: T[] = [];
  /** Whether one of them is on: until its end nothing else starts. */
  private isAloneOn = false;
  private stopped = false;

  constructor(
    slots: number,
    private readonly crew: Crew<T, H>,
  ) {
    this.slots = Array.from({ length: slots }, () => ({ task: null, takesAhead: false, ahead: null }));
  }

  /** A new job, which waits behind all others, or starts. */
  add(task: T): void {
    this.queue.push(task);
    this.dispatch();
  }

  /**
   * A job that is at a slot is to run again, and to be the next that does. Like those of the next two methods it starts when a
   * slot's end is told, its own at the earliest.
   */
  again(task: T): void {
    if (!task.done) this.queue.unshift(task);
  }

  /** The same, with no other job beside it: the next of those. */
  againAlone(task: T): void {
    if (!task.done) this.queueAlone.unshift(task);
  }

  /** The same, behind the others that run alone. */
  addAlone(task: T): void {
    if (!task.done) this.queueAlone.push(task);
  }

  /** A slot's worker has received the job that was started there. */
  received(slot: number): void {
    const own = this.slots[slot]!;
    own.takesAhead = own.task?.deaths === 0;
    this.handAhead(own, slot);
  }

  /** The worker has answered that job, or died under it: from now on the slot's next job waits for the end of this one. */
  answered(slot: number): void {
    this.slots[slot]!.takesAhead = false;
  }

  /** A slot's worker is gone, or will be: what was handed ahead to it is the next to run, on whichever. */
  handBack(slot: number): void {
    const own = this.slots[slot]!;
    const { ahead } = own;
    own.takesAhead = false;
    own.ahead = null;
    if (ahead !== null) this.again(ahead.task);
  }

  /** Whatever was to be done about the job of a slot has been done. */
  ended(slot: number): void {
    const own = this.slots[slot]!;
    // Where it was on, there was no other.
    this.isAloneOn = false;
    own.task = null;
    this.dispatch();
  }

  /** From now on nothing starts. Returns what waits and is at no worker. */
  stop(): T[] {
    this.stopped = true;
    return [...this.queue.splice(0), ...this.queueAlone.splice(0)];
  }

  /** Starts whatever may start now. */
  private dispatch(): void {
    if (this.stopped || this.isAloneOn) return;
    for (const [slot, own] of this.slots.entries()) if (own.task === null) this.goOn(own, slot);
    while (this.queueAlone.length > 0) {
      if (this.slots.some(({ task }) => task !== null)) return;
      const task = this.queueAlone.shift()!;
      if (task.done) continue;
      this.isAloneOn = true;
      this.start(task, 0, null);
      return;
    }
    for (;;) {
      const free = this.slots.findIndex(({ task }) => task === null);
      if (free < 0) break;
      const task = this.queue.shift();
      if (task === undefined) return;
      if (!task.done) this.start(task, free, null);
    }
    for (const [slot, own] of this.slots.entries()) this.handAhead(own, slot);
  }

  private start(task: T, slot: number, handed: H | null): void {
    this.slots[slot]!.task = task;
    this.crew.start(task, slot, handed);
  }

  /** Begins the job that a free slot's worker has already, if it has one. */
  private goOn(own: Slot<T, H>, slot: number): void {
    const { ahead } = own;
    own.ahead = null;
    if (ahead === null) return;
    if (ahead.task.done) this.crew.giveUp(slot);
    else this.start(ahead.task, slot, ahead.handed);
  }

  /**
   * Hands a worker that is at a job the next one, so that it need not wait for this process in between. Nothing is handed ahead while a job
   * waits to be alone or is, nor of the last few jobs, which go to whoever is free first, nor what needs another interpreter.
   */
  private handAhead(own: Slot<T, H>, slot: number): void {
    if (!own.takesAhead || own.ahead !== null || this.isAloneOn || this.queueAlone.length > 0) return;
    while (this.queue[0]?.done === true) this.queue.shift();
    if (this.queue.length < this.slots.length) return;
    const task = this.queue[0]!;
    if (task.deaths > 0 || task.hashSeed !== own.task?.hashSeed) return;
    const handed = this.crew.handAhead(task, slot);
    if (handed === null) return;
    this.queue.shift();
    own.ahead = { task, handed };
  }
}
