/**
 * Whose doing an end was: the reading of what the kernel, the launcher and the zygote say of processes that died. Pure; what follows from
 * it is decided in `process-executor.ts`.
 */
import os from 'node:os';
import { FaultlineError } from '../errors.js';
import type { CompartmentEnd } from './launcher.js';
import type { IsolationTier, Outcome, Verdict } from './verdict.js';
import type { WorkerEnded } from './worker.js';

/** Whom a worker's death under a job is put down to. */
export type Blame =
  /** Nothing that a program does brings it about, however often it repeats. `alone`: others may have taken the memory that was missing. */
  | { readonly on: 'machine'; readonly again: 'beside others' | 'alone' }
  /** Its outcome at once. */
  | { readonly on: 'sample'; readonly outcome: Outcome }
  /** Maybe somebody else's doing: its outcome only where it repeats. */
  | { readonly on: 'nobody yet'; readonly outcome: Outcome };

/** A worker that neither answered nor died for much longer than all limits together. */
export const HUNG: Blame = { on: 'nobody yet', outcome: { status: 'limit', resource: 'blocked', exception: null } };

/** How the kernel ends a process that has used up its CPU time. */
const CPU_SIGNALS = new Set(['SIGPROF', 'SIGXCPU']);
/** Signals by which a process ends through what it does itself. */
const OWN_SIGNALS = new Set([...CPU_SIGNALS, 'SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGILL', 'SIGFPE', 'SIGSYS', 'SIGTRAP']);

/** @param end which of a worker's processes ended by itself; null where the whole worker was killed */
export function blameFor(end: CompartmentEnd | null, tier: IsolationTier): Blame {
  // Nothing inside reaches the launcher.
  if (end === null) return { on: 'machine', again: 'beside others' };
  if (end.compartment === 'judge' && end.by === 'signal') {
    const signal = signalName(end.number);
    const outcome: Outcome = { status: 'limit', resource: CPU_SIGNALS.has(signal) ? 'cpu' : 'memory', exception: null };
    // The judge's own limits, or what it computed with a value of the candidate's. Other signals come from outside, be it from
    // the kernel when memory runs out: that may be anybody's doing.
    return { on: OWN_SIGNALS.has(signal) ? 'sample' : 'nobody yet', outcome };
  }
  if (isForeignKill(end, tier)) return { on: 'machine', again: 'alone' };
  return { on: 'nobody yet', outcome: outcomeOf(end) };
}

/**
 * Whether somebody outside, or the kernel for lack of memory, killed a zygote, so that no number of repetitions makes it the sample's doing.
 *
 * A candidate has no way to send its zygote a signal. In tier `namespaces` the zygote is the first process of its namespace, which the kernel
 * keeps from all signals from inside. In tier `landlock` the candidate's filter lets kill, tkill, tgkill and their queueing kin reach its own
 * process only, and the compartment's refuses signals by a process's descriptor and descriptors that signal whom they are told to (F_SETOWN).
 * Nor can it have the kernel choose the zygote: limits bind each process for itself, and when memory runs out a candidate that has taken it is
 * larger than the zygote, and as early to go. What it writes reaches the zygote as bytes of limited number, out of pipes that the zygote
 * never waits for, or in a page of shared memory, of which one byte is read.
 *
 * Signals by which a process ends through what it does itself are left to count as the sample's when they repeat: a fault of the zygote's code
 * that a program has found must not end the run; nor must an exit, for the same reason. In tier `none` a program can kill whom it likes.
 */
function isForeignKill(end: CompartmentEnd, tier: IsolationTier): boolean {
  if (tier === 'none') return false;
  return end.compartment === 'zygote' && end.by === 'signal' && !OWN_SIGNALS.has(signalName(end.number));
}

/** What the kernel said of a worker's process. Only what a signal ended has a signal's name. */
function outcomeOf(end: CompartmentEnd): Outcome {
  if (end.by === 'exit') return { status: 'exit', code: end.number, via: 'process' };
  return { status: 'signal', signal: signalName(end.number) };
}

function signalName(number: number): string {
  return Object.entries(os.constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`;
}

/**
 * Whether somebody else may have killed the program, be it the kernel when memory runs out: the zygote did not, or the outcome were a
 * limit. A program that kills itself does so again.
 */
export function mayBeOutside({ outcome }: Verdict): boolean {
  return outcome.status === 'signal' && outcome.signal === 'SIGKILL';
}

/**
 * The verdict of a run that was alone, where `lackedMemory` says whether the kernel has killed anybody meanwhile for lack of memory, of those that
 * `out-of-memory.ts` counts: a program that was killed then had less than its limit allows it, which is a limit, too. Whether it or others had filled the machine, or the control group,
 * nobody can tell, as candidates are the first to go; what it had itself stands in the measurements.
 */
export function withCause(verdict: Verdict, lackedMemory: boolean): Verdict {
  if (!lackedMemory || !mayBeOutside(verdict)) return verdict;
  return { ...verdict, outcome: { status: 'limit', resource: 'memory', exception: null } };
}

export function metTimeLimit({ outcome }: Verdict): boolean {
  return outcome.status === 'limit' && (outcome.resource === 'cpu' || outcome.resource === 'blocked');
}

/** A worker's death as the failure of the machine that it is, with the last thing that was heard of it. */
export function failureOf(error: WorkerEnded): FaultlineError {
  const last = error.diagnostics.trim().split('\n').at(-1) ?? '';
  return new FaultlineError('infrastructure', last === '' ? error.message : `${error.message} (${last})`);
}
