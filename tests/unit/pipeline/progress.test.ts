/** Progress lines, on a terminal and elsewhere, under a clock of the test's own. */
import { describe, expect, it } from 'vitest';
import { Progress, showDuration, through } from '../../../src/pipeline/progress.js';

function recorder(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  let time = 0;
  const stream = { isTTY, columns, write: (text: string) => written.push(text) };
  return { written, progress: new Progress(stream, () => time), at: (milliseconds: number) => (time = milliseconds) };
}

describe('Progress', () => {
  it('writes plain lines every few seconds, with rate and time left', () => {
    const { written, progress, at } = recorder(false);
    const task = progress.task('generate', 100);
    for (let second = 0; second <= 10; second++) {
      at(second * 1000);
      task.advance(4);
    }
    expect(written).toEqual(['generate 24/100 (4.8/s, 16 s left)\n', 'generate 44/100 (4.4/s, 13 s left)\n']);
  });

  it('rewrites one line on a terminal and ends it', () => {
    const { written, progress, at } = recorder(true);
    const task = progress.task('execute', 2);
    at(200);
    task.advance();
    at(400);
    task.advance();
    progress.finish();
    expect(written.slice(0, 2)).toEqual(['\r\u001b[2Kexecute 1/2 (5.0/s, 1 s left)', '\r\u001b[2Kexecute 2/2 (5.0/s)']);
    expect(written.at(-1)).toBe('\n');
  });

  it('never exceeds the width of the terminal', () => {
    const { written, progress, at } = recorder(true, 24);
    const task = progress.task('a label that is far too long', 2);
    at(200);
    task.advance();
    expect(written[0]!.replace('\r\u001b[2K', '')).toHaveLength(23);
  });

  it('counts what was done before, and leaves it out of the rate', () => {
    const { written, progress, at } = recorder(false);
    const task = progress.task('generate', 1000, 900);
    task.advance(0);
    at(10_000);
    task.advance(10);
    expect(written).toEqual(['generate 910/1000 (1.0/s, 1 min 30 s left)\n']);
  });

  it('counts items that go by, and says nothing more of them once they are through', () => {
    const { written, progress, at } = recorder(false);
    const seen = [];
    for (const item of progress.through('read', 4, [1, 2, 3, 4])) {
      seen.push(item);
      at(seen.length * 3_000);
    }
    progress.finish();
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(written).toEqual(['read 2/4 (20.0/min, 6 s left)\n', 'read 4/4 (20.0/min)\n']);
    const quick = recorder(false);
    expect([...quick.progress.through('read', null, 'ab')]).toEqual(['a', 'b']);
    quick.progress.finish();
    expect(quick.written).toEqual([]);
  });

  it('clears the line of items that are through, or that nobody reads on, on a terminal', () => {
    const { written, progress, at } = recorder(true);
    const task = progress.task('stays', 9);
    for (const item of progress.through('read', 4, [1, 2, 3, 4])) {
      at(item * 200);
      if (item === 3) break;
    }
    at(1_000);
    task.advance();
    expect(written.at(-1)).toMatch(/stays 1\/9 \([^)]*\)$/);
    const alone = recorder(true);
    for (const item of alone.progress.through('read', 2, [1, 2])) alone.at(item * 200);
    expect(alone.written.at(-1)).toBe('\r\u001b[2K');
  });

  it('shows how far a computation in steps is, where it says so', () => {
    const { written, progress, at } = recorder(false);
    const onStep = progress.onStep();
    onStep(undefined);
    at(1_000);
    for (let done = 1; done <= 4; done++) {
      onStep({ label: 'areas', done, total: 4 });
      at(1_000 + done * 3_000);
      onStep(undefined);
    }
    progress.finish();
    expect(written).toEqual(['areas 3/4 (30.0/min, 2 s left)\n']);
  });

  it('passes items on where nobody watches', () => {
    const items = [1, 2];
    expect(through(undefined, 'read', 2, items)).toBe(items);
  });

  it('says nothing when there was nothing to do', () => {
    const { written, progress } = recorder(false);
    progress.finish();
    expect(written).toEqual([]);
  });
});

it('shows durations', () => {
  expect([0.2, 59, 60, 200, 7500].map(showDuration)).toEqual(['1 s', '59 s', '1 min 0 s', '3 min 20 s', '2 h 5 min']);
});
