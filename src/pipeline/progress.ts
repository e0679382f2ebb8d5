/**
 * How far a long command is: counts, rates and time left, on stderr. On a terminal one line that is rewritten, elsewhere
 * a plain line every few seconds. Prints nothing about results.
 */
import type { OnStep } from '../reports/steps.js';

/** Where progress goes: `process.stderr`, or a test's buffer. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

interface Task {
  readonly label: string;
  /** Null where nobody knows. */
  total: number | null;
  readonly unit: 'steps' | 'bytes';
  done: number;
  /** Counts that were there before this run started are no measure of its rate. */
  readonly before: number;
  readonly startedAt: number;
}

/** How often the line is rewritten on a terminal, and how often a plain line appears elsewhere. */
const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 5_000;

/** How often who watches is told. */
const WATCH_INTERVAL_MS = 30_000;

/** Told how far a task of steps is. */
export type Watcher = (task: string, done: number, total: number | null) => void;

export class Progress {
  private readonly tasks: Task[] = [];
  private lastShown: number;
  private lineOnScreen = false;
  private lastLine = '';
  private watcher: Watcher | null = null;
  private lastWatched = 0;

  /** `now` gives milliseconds; tests pass their own clock. */
  constructor(
    private readonly stream: ProgressStream,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.lastShown = now();
  }

  /** Tells `watcher`, instead of an earlier one, of every task of steps each half minute and at its end; null: nobody. */
  watch(watcher: Watcher | null): void {
    this.watcher = watcher;
    this.lastWatched = this.now();
  }

  /** Adds a task of `total` steps, of which `done` were finished earlier. Returns what moves it on. */
  task(label: string, total: number, done = 0): { advance(steps?: number): void } {
    const task = this.add(label, total, done);
    return {
      advance: (steps = 1) => {
        task.done += steps;
        this.show(false);
        this.tell(false);
      },
    };
  }

  /**
   * Lets items go by while somebody reads them, and shows how many of `total`; null where nobody knows. Gone from the line once they are through, so
   * that what is read in a moment says nothing where there is no terminal.
   */
  *through<T>(label: string, total: number | null, items: Iterable<T>): Generator<T, void, undefined> {
    const task = this.add(label, total);
    try {
      for (const item of items) {
        yield item;
        task.done++;
        this.show(false);
      }
    } finally {
      this.drop(task);
    }
  }

  /** What a computation in steps is told to call: shows how far it is, where it says so. */
  onStep(): OnStep {
    let task: Task | null = null;
    return (progress) => {
      if (progress === undefined) return;
      const { label, done, total } = progress;
      task ??= this.add(label, total);
      task.done = done;
      this.show(false);
      if (done < total) return;
      this.drop(task);
      task = null;
    };
  }

  /** Adds a transfer of bytes, whose total may be unknown. Returns what says how far it is. */
  transfer(label: string): { at(done: number, total: number | null): void } {
    let task: Task | null = null;
    return {
      at: (done, total) => {
        if (task === null) {
          task = { label, total, unit: 'bytes', done, before: done, startedAt: this.now() };
          this.tasks.push(task);
        }
        task.done = done;
        task.total = total;
        this.show(false);
      },
    };
  }

  /** A message above the line, such as a stage's name. */
  note(line: string): void {
    this.clearLine();
    this.stream.write(`${line}\n`);
  }

  /** Shows the last state and ends the line. On anything but a terminal it says nothing when there was nothing to say. */
  finish(): void {
    if (this.tasks.length > 0) this.show(true);
    this.tell(true);
    if (this.lineOnScreen) this.stream.write('\n');
    this.lineOnScreen = false;
    this.tasks.length = 0;
  }

  private add(label: string, total: number | null, done = 0): Task {
    const task: Task = { label, total, unit: 'steps', done, before: done, startedAt: this.now() };
    this.tasks.push(task);
    return task;
  }

  private drop(task: Task): void {
    const place = this.tasks.indexOf(task);
    if (place >= 0) this.tasks.splice(place, 1);
    if (this.tasks.length === 0) this.clearLine();
  }

  private tell(force: boolean): void {
    if (this.watcher === null || (!force && this.now() - this.lastWatched < WATCH_INTERVAL_MS)) return;
    this.lastWatched = this.now();
    for (const { label, done, total, unit } of this.tasks) if (unit === 'steps') this.watcher(label, done, total);
  }

  private show(force: boolean): void {
    const now = this.now();
    const interval = this.stream.isTTY === true ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
    if (!force && now - this.lastShown < interval) return;
    this.lastShown = now;
    const line = this.tasks.map((task) => describe(task, now)).join('   ');
    if (this.stream.isTTY === true) {
      const width = Math.max(20, (this.stream.columns ?? 80) - 1);
      this.stream.write(`\r\u001b[2K${line.slice(0, width)}`);
      this.lineOnScreen = true;
    } else if (line !== this.lastLine) {
      this.stream.write(`${line}\n`);
    }
    this.lastLine = line;
  }

  private clearLine(): void {
    if (this.lineOnScreen) this.stream.write('\r\u001b[2K');
    this.lineOnScreen = false;
  }
}

/** {@link Progress.through} where somebody watches, and the items as they are where nobody does. */
export function through<T>(progress: Progress | undefined, label: string, total: number | null, items: Iterable<T>): Iterable<T> {
  return progress === undefined ? items : progress.through(label, total, items);
}

function describe(task: Task, now: number): string {
  const amount = task.unit === 'bytes' ? showMegabytes : String;
  const share = `${task.label} ${amount(task.done)}${task.total === null ? '' : `/${amount(task.total)}`}`;
  const seconds = (now - task.startedAt) / 1000;
  const rate = seconds > 0 ? (task.done - task.before) / seconds : 0;
  if (rate <= 0) return share;
  const speed = task.unit === 'bytes' ? `${showMegabytes(rate)}/s` : showRate(rate);
  const left = task.total === null ? 0 : task.total - task.done;
  return left > 0 ? `${share} (${speed}, ${showDuration(left / rate)} left)` : `${share} (${speed})`;
}

function showMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function showRate(perSecond: number): string {
  return perSecond >= 1 ? `${perSecond.toFixed(perSecond >= 10 ? 0 : 1)}/s` : `${(perSecond * 60).toFixed(1)}/min`;
}

/** `45 s`, `3 min 20 s`, `2 h 5 min`. */
export function showDuration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
