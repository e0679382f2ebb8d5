/** Whose doing an end was, for every process that can die and every way in which it can. */
import os from 'node:os';
import { describe, expect, it } from 'vitest';
import { blameFor, failureOf, HUNG, mayBeOutside, metTimeLimit } from '../../../src/sandbox/ends.js';
import type { CompartmentEnd } from '../../../src/sandbox/launcher.js';
import type { Outcome } from '../../../src/sandbox/verdict.js';
import { WorkerEnded } from '../../../src/sandbox/worker.js';
import { verdict } from './verdicts.js';

const by = (compartment: CompartmentEnd['compartment'], signal: NodeJS.Signals): CompartmentEnd => ({
  compartment,
  by: 'signal',
  number: os.constants.signals[signal],
});
const limit = (resource: 'cpu' | 'memory' | 'blocked' | 'output'): Outcome => ({ status: 'limit', resource, exception: null });
const TIERS = ['namespaces', 'landlock', 'none'] as const;
/** By which a process ends through what it does itself. */
const OWN = ['SIGPROF', 'SIGXCPU', 'SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGSYS', 'SIGTRAP'] as const;
const FOREIGN = ['SIGKILL', 'SIGTERM', 'SIGHUP', 'SIGINT', 'SIGUSR1'] as const;

describe.each(TIERS)('in tier %s the death of', (tier) => {
  it('a whole worker is the machine’s, and nobody need be alone for it', () => {
    expect(blameFor(null, tier)).toEqual({ on: 'machine', again: 'beside others' });
  });

  it.each(OWN)('a judge by %s is the sample’s, at once', (signal) => {
    const resource = signal === 'SIGPROF' || signal === 'SIGXCPU' ? 'cpu' : 'memory';
    expect(blameFor(by('judge', signal), tier)).toEqual({ on: 'sample', outcome: limit(resource) });
  });

  it.each(FOREIGN)('a judge by %s is the sample’s only where it repeats', (signal) => {
    expect(blameFor(by('judge', signal), tier)).toEqual({ on: 'nobody yet', outcome: limit('memory') });
  });

  it.each(OWN)('a zygote by %s is the sample’s only where it repeats', (signal) => {
    expect(blameFor(by('zygote', signal), tier)).toEqual({ on: 'nobody yet', outcome: { status: 'signal', signal } });
  });

  it.each(FOREIGN)('a zygote by %s is never the sample’s where none can send it', (signal) => {
    expect(blameFor(by('zygote', signal), tier)).toEqual(
      tier === 'none' ? { on: 'nobody yet', outcome: { status: 'signal', signal } } : { on: 'machine', again: 'alone' },
    );
  });

  it.each(['judge', 'zygote'] as const)('a %s that exits is the sample’s only where it repeats', (compartment) => {
    expect(blameFor({ compartment, by: 'exit', number: 1 }, tier)).toEqual({
      on: 'nobody yet',
      outcome: { status: 'exit', code: 1, via: 'process' },
    });
  });
});

describe('ends', () => {
  it('by signals without a name have their number', () => {
    expect(blameFor({ compartment: 'zygote', by: 'signal', number: 63 }, 'none')).toMatchObject({ outcome: { signal: 'SIG63' } });
  });

  it('of hung workers count as blocked where they repeat', () => {
    expect(HUNG).toEqual({ on: 'nobody yet', outcome: limit('blocked') });
  });

  it('of programs may come from outside by SIGKILL alone', () => {
    expect(mayBeOutside(verdict({ status: 'signal', signal: 'SIGKILL' }))).toBe(true);
    for (const outcome of [{ status: 'signal', signal: 'SIGSEGV' }, { status: 'passed' }, limit('memory')] satisfies Outcome[])
      expect(mayBeOutside(verdict(outcome))).toBe(false);
  });

  it('by time limits are those of CPU and blocked time', () => {
    expect((['cpu', 'blocked', 'memory', 'output'] as const).map((resource) => metTimeLimit(verdict(limit(resource))))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(metTimeLimit(verdict({ status: 'passed' }))).toBe(false);
  });

  it('are told with the last thing that was heard of the worker', () => {
    const killed = failureOf(new WorkerEnded(null, ''));
    expect(killed).toMatchObject({ kind: 'infrastructure', message: 'a sandbox worker was stopped' });
    const judge = failureOf(new WorkerEnded(by('judge', 'SIGSEGV'), 'one\nfaultline-launcher: judge ended: signal 11\n'));
    expect(judge.message).toBe('a sandbox judge ended by signal 11 (faultline-launcher: judge ended: signal 11)');
  });
});
