/**
 * Every ordinary program of the fixtures comes to the outcome in its first line, leaves nothing behind, and disturbs no other; hostile-suite.ts has the rest.
 * FAULTLINE_TEST_PYTHON names another interpreter: the outcomes are the same from 3.9 to 3.13.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { expectVerdict, fixtureOf, programs } from './fixtures.js';
import { descendants, eventually, gone } from './processes.js';

const right = fixtureOf('right.py');

describe('programs and what they come to', () => {
  let executor: ProcessExecutor;

  beforeAll(async () => {
    // Little time, so that the programs that never end are soon over; the second runs have three times as much.
    const python = process.env['FAULTLINE_TEST_PYTHON'];
    executor = await ProcessExecutor.create({
      workers: 1,
      limits: { cpuSeconds: 0.4, wallSeconds: 0.5, memoryBytes: 512 << 20 },
      ...(python === undefined ? {} : { python }),
    });
  });
  afterAll(async () => {
    await executor.dispose();
  });

  it('has fixtures', () => {
    expect(programs.length).toBeGreaterThan(25);
  });

  it.each(programs)('$name', async (fixture) => {
    expectVerdict(fixture, await executor.execute(fixture.job), executor.info);
    // The next execution is as if there had been none before.
    expect((await executor.execute(right.job)).outcome).toEqual({ status: 'passed' });
    // A launcher, a judge and a zygote, and nobody else.
    await eventually(() => {
      expect(descendants().map(({ command }) => /launcher$|judge\.py$|zygote\.py$/.exec(command.replace(/ --.*/, ''))?.[0])).toEqual(
        expect.arrayContaining(['launcher', 'judge.py', 'zygote.py']),
      );
      expect(descendants()).toHaveLength(3);
    });
  });

  it('leaves no process after it is closed', async () => {
    const before = descendants();
    expect(before.some(({ command }) => command.includes('zygote.py'))).toBe(true);
    await executor.dispose();
    await gone(before);
  });
});
