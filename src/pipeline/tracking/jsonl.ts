/**
 * The default tracker: one line of JSON an event, appended to `events.jsonl` in the experiment's folder and never rewritten. Each line is
 * one write to a file opened for appending, so that runs that work side by side do not mix within a line; `run` tells them apart.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FaultlineError, reasonOf } from '../../errors.js';
import { makeFolders } from '../../folders.js';
import { keepFiles } from '../keep-files.js';
import type { TrackedEvent, Tracker, TrackerContext } from './tracker.js';

export const EVENTS_FILE = 'events.jsonl';

export class JsonlTracker implements Tracker {
  private readonly path: string;
  private readonly file: number;
  private readonly run = randomBytes(4).toString('hex');

  /** Opens the file, whose folder is made. Throws `output` where that is impossible, `usage` where a database stands in its place. */
  constructor({ directory }: Pick<TrackerContext, 'directory'>) {
    this.path = join(directory, EVENTS_FILE);
    keepFiles(this.path, { database: null, hint: 'Choose another folder with --outputs.' });
    this.file = this.trying(() => {
      makeFolders(directory);
      return openSync(this.path, 'a+');
    });
    // A power cut may have left half a line, which must not swallow the next one.
    if (this.trying(() => endsInMidLine(this.file))) this.append('\n');
  }

  record(event: TrackedEvent): void {
    this.append(`${JSON.stringify({ at: new Date().toISOString(), run: this.run, ...event })}\n`);
  }

  close(): Promise<void> {
    this.trying(() => {
      closeSync(this.file);
    });
    return Promise.resolve();
  }

  private append(line: string): void {
    this.trying(() => writeSync(this.file, line));
  }

  private trying<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw new FaultlineError('output', `cannot record the run's events: ${reasonOf(thrown)}`, {
        place: { file: this.path },
        hint: 'Free the place, and give the same command again: it goes on from what is stored.',
        cause: thrown,
      });
    }
  }
}

function endsInMidLine(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last.toString() !== '\n';
}
