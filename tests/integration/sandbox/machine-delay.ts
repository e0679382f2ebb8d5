/**
 * How long this machine may have kept somebody waiting, so that a time on the wall clock can be told from a time in a queue. Holds no test.
 *
 * The kernel adds up the time in which some task wanted to run and could not, for want of a CPU, of memory or of a disk
 * (Documentation/accounting/psi.rst), as a mean over all CPUs: times their number it is at least what any one chain of processes
 * has waited. To that comes what a hypervisor took (`steal` in proc(5)).
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';

const RESOURCES = ['cpu', 'io', 'memory'];
/** `USER_HZ`, in which /proc/stat counts: 100 on every architecture of Linux that runs Node. */
const TICKS_PER_SECOND = 100;

/** Seconds since the machine started, of which the difference of two calls is a bound from above; null where the kernel does not count them. */
export function delayedSeconds(): number | null {
  try {
    const micros = RESOURCES.map((name) => Number(/^some .*total=(\d+)$/m.exec(readFileSync(`/proc/pressure/${name}`, 'utf8'))![1]));
    const steal = Number(/^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))![1]!.split(' ')[7]);
    return (os.cpus().length * micros.reduce((sum, each) => sum + each, 0)) / 1e6 + steal / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}
