/** Progress lines, on a terminal and elsewhere, under a clock of the test's own. */
import { describe, expect, it } from 'vitest';
import { Progress, showDuration } from '../../../src/pipeline/progress.js';

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

  it('says nothing when there was nothing to do', () => {
    const { written, progress } = recorder(false);
    progress.finish();
    expect(written).toEqual([]);
  });
});

it('shows durations', () => {
  expect([0.2, 59, 60, 200, 7500].map(showDuration)).toEqual(['1 s', '59 s', '1 min 0 s', '3 min 20 s', '2 h 5 min']);
});
