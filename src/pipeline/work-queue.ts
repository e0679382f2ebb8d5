/**
 * Items handed from one stage to the next through what both share: the sandbox takes samples as the engine stores them. Holds
 * no item. It reads the store a few at a time, from where it was, so that an engine far ahead of the sandbox costs disk and no
 * memory. One reader.
 */
export class WorkQueue<T extends { readonly place: number }> implements AsyncIterable<T> {
  /** Counts announcements and the end. */
  private changes = 0;
  private closed = false;
  private wake: (() => void) | null = null;

  /** `read` gives the items after a place, in order of their places, and those that are added while it reads. */
  constructor(private readonly read: (after: number) => Iterable<T>) {}

  /** More is there to be read. */
  announce(): void {
    this.changes++;
    this.wake?.();
  }

  /** No more items will come; the reader ends after those that are there. */
  close(): void {
    this.closed = true;
    this.announce();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let place = 0;
    for (;;) {
      // Before reading: what is announced, or closed over, meanwhile is read in the next round.
      const last = this.closed;
      const before = this.changes;
      for (const item of this.read(place)) {
        place = item.place;
        yield item;
      }
      if (last) return;
      if (this.changes !== before) continue;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = null;
    }
  }
}
