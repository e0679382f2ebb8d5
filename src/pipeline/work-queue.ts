/**
 * Items handed from one stage to the next while both run: the sandbox takes samples as the engine finishes them. In
 * order, without a bound, because what is in it is stored already. One reader.
 */
export class WorkQueue<T> implements AsyncIterable<T> {
  private items: T[] = [];
  private next = 0;
  private closed = false;
  private wake: (() => void) | null = null;

  push(items: Iterable<T>): void {
    for (const item of items) this.items.push(item);
    this.wake?.();
  }

  /** No more items will come; the reader ends after those that are there. */
  close(): void {
    this.closed = true;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      if (this.next < this.items.length) {
        const item = this.items[this.next++]!;
        if (this.next === this.items.length) {
          this.items = [];
          this.next = 0;
        }
        yield item;
      } else if (this.closed) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
        this.wake = null;
      }
    }
  }
}
