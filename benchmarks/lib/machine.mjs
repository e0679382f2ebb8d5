/**
 * What a figure needs beside it: CPU, cores, instruction sets, commit, date, and how busy the machine was with other
 * work while the figure was taken. Linux only.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root folder. */
export const ROOT = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

const git = (/** @type {string[]} */ ...args) => spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' }).stdout.trim();

/** `abc1234`, with `+changes` where tracked files differ from it. */
export function commit() {
  const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
  return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+changes' : ''}`;
}

/** Instruction sets that matter for matrix products, as the kernel lists them. */
function instructionSets() {
  const flags = new Set(
    fs
      .readFileSync('/proc/cpuinfo', 'utf8')
      .match(/^(?:flags|Features)\s*:\s*(.*)$/m)?.[1]
      .split(' '),
  );
  return ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16', 'amx_int8', 'asimd', 'bf16'].filter((name) => flags.has(name));
}

/** The processor's name; with family and model where the kernel tells them, as one name stands for several (Zen 4 and Zen 5 are both `AMD EPYC`). */
function processorName() {
  const info = fs.readFileSync('/proc/cpuinfo', 'utf8');
  const [family, model] = [/^cpu family\s*:\s*(\d+)$/m, /^model\s*:\s*(\d+)$/m].map((pattern) => pattern.exec(info)?.[1]);
  const name = os.cpus()[0].model.trim();
  return family === undefined || model === undefined ? name : `${name} (family ${family}, model ${model})`;
}

/** CPU, cores, instruction sets, Node, commit and date. */
export function describeMachine() {
  return {
    cpu: processorName(),
    cores: os.availableParallelism(),
    isa: instructionSets(),
    node: process.version,
    commit: commit(),
    date: new Date().toISOString().slice(0, 10),
  };
}

/** @param {ReturnType<typeof describeMachine>} machine */
export const machineLine = (machine) =>
  `${machine.cpu}, ${machine.cores} cores (${machine.isa.join(' ')}), Node ${machine.node}, commit ${machine.commit}, ${machine.date}`;

/** /proc counts CPU time in these. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of this process with its threads, and of its children that have ended and been waited for. */
export function ownCpuSeconds() {
  const afterName = fs
    .readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  // proc(5): utime, stime, cutime and cstime are fields 14 to 17; the state, field 3, is the first after the name.
  return afterName.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

/** Bytes of this process that no file backs. */
function anonymousBytes() {
  return 1024 * Number(/^RssAnon:\s*(\d+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

/**
 * Starts watching this process's memory, every few milliseconds as far as its event loop is free; the returned function
 * says how many bytes that no file backs it held at most. Bytes of before the watch count too.
 */
export function watchMemory() {
  let peak = anonymousBytes();
  const look = () => {
    peak = Math.max(peak, anonymousBytes());
  };
  const timer = setInterval(look, 5);
  return () => {
    clearInterval(timer);
    look();
    return peak;
  };
}

/** Busy, stolen and total CPU seconds of the whole machine since boot. */
function cpuTotals() {
  const [user, nice, system, idle, wait, irq, softirq, steal] = fs
    .readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + softirq;
  return {
    busy: busy / TICKS_PER_SECOND,
    steal: steal / TICKS_PER_SECOND,
    total: (busy + idle + wait + steal) / TICKS_PER_SECOND,
  };
}

/**
 * Starts watching; the returned function says which share of the machine's CPU time went to others since then: work
 * outside the measured processes, and time the hypervisor took away.
 *
 * @returns {(ownCpuSeconds: number) => {others: number, stolen: number}} shares from 0 to 1
 */
export function watchOthers() {
  const before = cpuTotals();
  return (ownCpuSeconds) => {
    const after = cpuTotals();
    const total = Math.max(after.total - before.total, 0.01);
    return {
      others: Math.min(1, Math.max(0, after.busy - before.busy - ownCpuSeconds) / total),
      stolen: Math.max(0, after.steal - before.steal) / total,
    };
  };
}

/** Above this share of foreign CPU time a figure is not one. */
const BUSY_SHARE = 0.05;

/** The largest share of CPU time that went to others in any of these trials. @param {{others: number, stolen: number}[]} trials */
export const foreignShare = (trials) => Math.max(...trials.map(({ others, stolen }) => others + stolen));

/**
 * Prints rows for benchmarks/README.md, or, where the machine was busy, why there are none. Not even ratios survive a
 * busy machine: an engine whose threads spin at barriers loses tens of times more to a busy core than one whose threads sleep.
 *
 * @param {number} foreign share of CPU time that went to others, see {@link foreignShare}
 * @param {ReturnType<typeof describeMachine>} machine
 * @param {string[][]} rows what, figure, bound, ratio
 */
export function printReadmeRows(foreign, machine, rows) {
  const percent = (100 * foreign).toFixed(0);
  if (foreign > BUSY_SHARE) {
    console.log(`\nNo figures: other work used up to ${percent} % of the CPU in the trials that count. Run it again on an idle machine.`);
    return;
  }
  console.log(`\nFor benchmarks/README.md (others used at most ${percent} % of the CPU):\n`);
  for (const row of rows) {
    console.log(
      `| ${[...row, `${machine.cpu}, ${machine.cores} cores (${machine.isa.join(' ')})`, machine.commit, machine.date].join(' | ')} |`,
    );
  }
}

/** Watches the machine for two seconds and warns when it is not idle, before a long run is wasted. */
export async function warnIfBusy() {
  const stopWatch = watchOthers();
  const before = ownCpuSeconds();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const foreign = foreignShare([stopWatch(ownCpuSeconds() - before)]);
  if (foreign > BUSY_SHARE)
    console.log(`Warning: other work uses ${(100 * foreign).toFixed(0)} % of the CPU now; figures need an idle machine.`);
}
