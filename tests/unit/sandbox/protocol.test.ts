import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { DEFAULT_LIMITS } from '../../../src/sandbox/limits.js';
import { encodeFrame, FrameReader, judgeJob } from '../../../src/sandbox/protocol.js';

const JOB = { taskId: 'T/1', prompt: '', entryPoint: 'f', test: '', completion: '', seed: 5, sampleIndex: 3 };

const frame = (message: unknown): Buffer => {
  const body = Buffer.from(JSON.stringify(message));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
};

describe('jobs', () => {
  it('join prompt and completion, and seed by run, task and the program’s text', () => {
    const job = judgeJob({ ...JOB, prompt: 'a\n', completion: 'b' }, DEFAULT_LIMITS);
    expect(job).toMatchObject({ ...DEFAULT_LIMITS, program: 'a\nb', prompt: 'a\n' });
    expect(job.seed).toMatch(/^5\/T\/1\/[0-9a-f]{64}$/);
    const seedOf = (changes: Partial<typeof JOB>): string =>
      judgeJob({ ...JOB, prompt: 'a\n', completion: 'b', ...changes }, DEFAULT_LIMITS).seed;
    // Wherever the prompt ends: the program is the same.
    expect(seedOf({ sampleIndex: 9, prompt: 'a', completion: '\nb' })).toBe(job.seed);
    expect(new Set([job.seed, seedOf({ seed: 6 }), seedOf({ taskId: 'T/2' }), seedOf({ completion: 'c' })]).size).toBe(4);
    expect(job).not.toHaveProperty('completion');
  });

  it.each([
    ['', 0],
    ['def f():', 0],
    ['a\nb\n', 2],
    ['a\r\nb\rc\n', 3],
    ['a\u2028b\fc\n', 1],
  ])('count the lines of %j as Python does', (prompt, lines) => {
    expect(judgeJob({ ...JOB, prompt }, DEFAULT_LIMITS).promptLines).toBe(lines);
  });

  it('travel as their length and JSON, lone surrogates as escapes', () => {
    const job = judgeJob({ ...JOB, completion: 'é\ud800' }, DEFAULT_LIMITS);
    const bytes = encodeFrame(job);
    expect(bytes.readUInt32LE(0)).toBe(bytes.length - 4);
    expect(bytes.subarray(4).toString('utf8')).toContain('\\ud800');
    expect(JSON.parse(bytes.subarray(4).toString('utf8'))).toEqual(job);
  });
});

describe('answers', () => {
  it('come out whole however the bytes are cut', () => {
    const messages = [
      { ready: true, python: '3.11.7' },
      { calibration: 0.01 },
      { verdict: { text: 'ü'.repeat(50) }, passes: [], renew: false, retry: false },
    ];
    const bytes = Buffer.concat(messages.map(frame));
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const reader = new FrameReader();
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const got = edges.slice(1).flatMap((end, i) => reader.push(bytes.subarray(edges[i], end)));
        expect(got).toEqual(messages);
      }),
    );
  });

  it('that are none are refused', () => {
    expect(() => new FrameReader().push(frame({ something: 'else' }))).toThrow(FaultlineError);
    expect(() => new FrameReader().push(Buffer.from([255, 255, 255, 255]))).toThrow(/4294967295 bytes/);
  });
});
