/** Collects rows for the store and writes them in batches: by number, and by age when the next one comes. Holds no SQL. */

/** A batch costs one transaction and one fsync; this many rows make that small, and little to lose to kill -9. */
const ROWS = 64;
const MILLISECONDS = 1_000;

export class BatchWriter<T> {
  private rows: T[] = [];
  private lastWrite = performance.now();

  /** `write` gets every batch once, in order. */
  constructor(private readonly write: (rows: readonly T[]) => void) {}

  add(row: T): void {
    this.rows.push(row);
    if (this.rows.length >= ROWS || performance.now() - this.lastWrite >= MILLISECONDS) this.flush();
  }

  flush(): void {
    const rows = this.rows;
    this.rows = [];
    this.lastWrite = performance.now();
    if (rows.length > 0) this.write(rows);
  }
}
