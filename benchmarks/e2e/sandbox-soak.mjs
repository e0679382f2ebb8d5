/**
 * Does anything grow while the sandbox executes a hundred thousand programs in a row?
 *
 *   node benchmarks/e2e/sandbox-soak.mjs [--executions 100000] [--workers N] [--python P] [--tier namespaces|landlock]
 *
 * Programs that pass, fail, crash and misbehave, in the proportions of PROGRAMS, each checked for its outcome. A
 * hundred times on the way it is counted what faultline and its workers hold: resident memory by role, descriptors, processes,
 * mounts, files in the temporary folders of this process and of the workers. Growth is when, after the first
 * quarter (warm-up), the median of the last quarter exceeds the median of the second by more than a tolerance: 10 % and 4 MiB of
 * memory, nothing of anything else. Medians, as a worker that is just being replaced counts twice for a moment. Workers are replaced
 * after 5,000 executions, as always. Limits of time are short, so that the programs that never end do not take most of the run. Exits with 1 on
 * growth or on a wrong outcome.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import v8 from 'node:v8';
import vm from 'node:vm';
import { ProcessExecutor } from '../../dist/sandbox/process-executor.js';
import { ISOLATING_TIERS } from '../../dist/sandbox/tiers.js';
import { oneOf, parseFlags, program, wholeNumber } from '../lib/flags.mjs';
import { describeMachine, machineLine } from '../lib/machine.mjs';
import { markdownTable } from '../lib/table.mjs';

const flags = parseFlags(import.meta.url, {
  executions: { type: 'string', default: '100000', check: wholeNumber() },
  workers: { type: 'string', default: String(os.availableParallelism()), check: wholeNumber() },
  python: { type: 'string', check: program },
  tier: { type: 'string', check: oneOf(ISOLATING_TIERS) },
});
const executions = Number(flags.executions);
const workers = Number(flags.workers);
/** Jobs handed in at a time: enough that no worker waits. */
const WINDOW = 8 * workers;
const SAMPLES = 100;
const MEMORY_TOLERANCE = 0.1;
const MEMORY_TOLERANCE_BYTES = 4 << 20;

// A temporary folder of its own: others' files are no growth.
const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'faultline-soak-'));
process.env['TMPDIR'] = temporary;
v8.setFlagsFromString('--expose-gc');
/** @type {() => void} */
const collectGarbage = vm.runInNewContext('gc');

/** How often of 1,000 (the rest passes), the body of `f`, and what it comes to. */
const PROGRAMS = [
  { of1000: 250, status: 'assertion', body: 'return x' },
  { of1000: 100, status: 'exception', body: 'return [][x]' },
  { of1000: 80, status: 'syntax', body: 'return (x' },
  { of1000: 40, status: 'missing_entry_point', body: 'return x\ndel f' },
  { of1000: 30, status: 'exit', body: 'import os\n    os._exit(3)' },
  { of1000: 20, status: 'exit', body: 'raise SystemExit' },
  { of1000: 10, status: 'limit', body: 'return len(bytearray(1 << 40))' },
  { of1000: 10, status: 'limit', body: "print('x' * (2 << 20))\n    return x + 1" },
  { of1000: 20, status: 'passed', body: "print('a line of output')\n    return x + 1" },
  { of1000: 20, status: 'limit', body: 'import os\n    return os.fork()' },
  { of1000: 20, status: 'exception', body: 'import socket\n    return socket.socket()' },
  { of1000: 20, status: 'passed', body: 'import threading\n    threading.Thread(target=input, daemon=True).start()\n    return x + 1' },
  { of1000: 10, status: 'passed', body: "import os\n    kept = [os.open('/dev/null', 0) for _ in range(25)]\n    return x + 1" },
  { of1000: 10, status: 'signal', body: 'import os\n    os.abort()' },
  { of1000: 10, status: 'unserialisable', body: 'yield x' },
  { of1000: 10, status: 'test_error', body: 'return None' },
  { of1000: 10, status: 'forbidden', body: 'import ctypes\n    ctypes.CDLL(None).ptrace(0, 0, 0, 0)' },
  { of1000: 10, status: 'limit', body: "return [open('/dev/null') for _ in range(100000)]" },
  // These run twice, the second time by themselves and three times as long.
  { of1000: 1, status: 'limit', body: 'while True:\n        pass' },
  { of1000: 1, status: 'limit', body: 'import time\n    time.sleep(1000)' },
  // These cost a worker.
  { of1000: 1, status: 'passed', body: "open('left', 'w').write('y' * 100000)\n    return x + 1" },
  { of1000: 1, status: 'limit', body: "open('large', 'wb').write(bytes(1 << 30))" },
  { of1000: 1, status: 'tamper', body: "import os\n    os.write(3, b'forged')\n    return x + 1" },
];
const MIX = PROGRAMS.flatMap((program) => Array.from({ length: program.of1000 }, () => program));
while (MIX.length < 1000) MIX.push({ of1000: 0, status: 'passed', body: 'return x + 1' });

const job = (/** @type {number} */ index) => ({
  taskId: `Soak/${index % 50}`,
  prompt: `def f(x):\n    """Problem ${index % 50}."""\n`,
  completion: `    ${MIX[(index * 619) % 1000].body}\n# ${index}\n`,
  entryPoint: 'f',
  // The sum has a value that is no number fail in the test.
  test: 'def check(candidate):\n    assert candidate(1) + 0 == 2\n    assert candidate(5) == 6\n',
  seed: 1,
  sampleIndex: index,
});

/** Processes that descend from this one, by role. */
function descendants() {
  const all = fs.readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'latin1');
      const command = fs.readFileSync(`/proc/${name}/cmdline`, 'latin1');
      return [{ pid: Number(name), parent: Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]), command }];
    } catch {
      return []; // it has just ended
    }
  });
  const found = new Set([process.pid]);
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  const mine = all.filter(({ pid }) => found.has(pid));
  const zygotes = new Set(mine.filter(({ command, parent }) => command.includes('zygote.py') && parent !== 0).map(({ pid }) => pid));
  return mine.map((item) => ({ ...item, role: roleOf(item, zygotes) }));
}

function roleOf(
  /** @type {{pid: number, parent: number, command: string}} */ { pid, parent, command },
  /** @type {Set<number>} */ zygotes,
) {
  if (pid === process.pid) return 'faultline';
  if (zygotes.has(parent)) return 'candidate';
  return /judge|zygote|launcher/.exec(command.replace(/--scripts.*/s, ''))?.[0] ?? 'other';
}

const listed = (/** @type {string} */ folder) => {
  try {
    return fs.readdirSync(folder).length;
  } catch {
    return 0; // the process that it belongs to has just ended, or keeps it to itself
  }
};

/** What is held at this moment. Candidates come and go and are no matter; what they leave behind would show. */
function measure() {
  collectGarbage();
  const held = {
    'faultline, MiB': 0,
    'judges, MiB at most': 0,
    'zygotes, MiB at most': 0,
    'descriptors of faultline': 0,
    'launchers, MiB at most': 0,
    'descriptors of a judge': 0,
    'descriptors of a zygote': 0,
    'descriptors of a launcher': 0,
    'processes without candidates': 0,
    'files in temporary folders': listed(temporary) + listed('/dev/shm'),
    mounts: fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length,
    'files in a worker at most': 0,
  };
  for (const { pid, role } of descendants()) {
    if (role === 'candidate') continue;
    held['processes without candidates']++;
    const descriptors = listed(`/proc/${pid}/fd`);
    let memory = 0;
    try {
      memory = Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
    } catch {
      continue; // it has just ended
    }
    if (role === 'faultline') {
      held['faultline, MiB'] = memory;
      held['descriptors of faultline'] = descriptors;
    } else if (role === 'judge') {
      held['judges, MiB at most'] = Math.max(held['judges, MiB at most'], memory);
      held['descriptors of a judge'] = Math.max(held['descriptors of a judge'], descriptors);
    } else if (role === 'zygote') {
      held['zygotes, MiB at most'] = Math.max(held['zygotes, MiB at most'], memory);
      held['descriptors of a zygote'] = Math.max(held['descriptors of a zygote'], descriptors);
      held['files in a worker at most'] = Math.max(held['files in a worker at most'], listed(`/proc/${pid}/cwd`));
    } else if (role === 'launcher') {
      held['launchers, MiB at most'] = Math.max(held['launchers, MiB at most'], memory);
      held['descriptors of a launcher'] = Math.max(held['descriptors of a launcher'], descriptors);
    }
  }
  return held;
}

console.log(`Machine: ${machineLine(describeMachine())}\n${executions} executions, ${workers} workers`);
const executor = await ProcessExecutor.create({
  workers,
  limits: { cpuSeconds: 0.3, wallSeconds: 0.3, memoryBytes: 512 << 20 },
  ...(flags.python === undefined ? {} : { python: flags.python }),
  ...(flags.tier === undefined ? {} : { tier: flags.tier }),
});
/** @type {{done: number, held: ReturnType<typeof measure>}[]} */
const samples = [];
/** @type {Map<string, number>} */
const outcomes = new Map();
let wrong = 0;
let next = 0;
let done = 0;
const start = performance.now();
const every = Math.ceil(executions / SAMPLES);
await Promise.all(
  Array.from({ length: WINDOW }, async () => {
    while (next < executions) {
      const index = next++;
      const verdict = await executor.execute(job(index));
      const { status } = verdict.outcome;
      outcomes.set(status, (outcomes.get(status) ?? 0) + 1);
      const expected = MIX[(index * 619) % 1000].status;
      if (status !== expected && wrong++ < 10) console.log(`  execution ${index}: ${status} instead of ${expected}`, verdict.outcome);
      if (++done % every === 0) samples.push({ done, held: measure() });
    }
  }),
);
const seconds = (performance.now() - start) / 1000;
await executor.dispose();
const left = descendants().length - 1;
// Fails where something is left in it.
fs.rmdirSync(temporary);

const quarter = (/** @type {number} */ number) =>
  samples.filter(({ done: at }) => at > ((number - 1) * executions) / 4 && at <= (number * executions) / 4).map(({ held }) => held);
const [second, last] = [quarter(2), quarter(4)];
const names = /** @type {(keyof ReturnType<typeof measure>)[]} */ (Object.keys(samples[0].held));
const rows = names.map((name) => {
  const median = (/** @type {ReturnType<typeof measure>[]} */ all) =>
    all.map((held) => held[name]).sort((a, b) => a - b)[Math.floor(all.length / 2)];
  const before = median(second);
  const after = median(last);
  const allowed = name.includes('MiB') ? before * (1 + MEMORY_TOLERANCE) + MEMORY_TOLERANCE_BYTES / (1 << 20) : before;
  return { name, before, after, allowed, grown: after > allowed };
});
console.log('');
console.log(
  markdownTable(
    ['', 'second quarter', 'last quarter', 'allowed', ''],
    rows.map(({ name, before, after, allowed, grown }) => [
      name,
      before.toFixed(name.includes('MiB') ? 1 : 0),
      after.toFixed(name.includes('MiB') ? 1 : 0),
      allowed.toFixed(name.includes('MiB') ? 1 : 0),
      grown ? 'GROWN' : '',
    ]),
  ),
);
console.log(
  `\n${executions} executions in ${seconds.toFixed(0)} s (${(executions / seconds).toFixed(0)}/s): ` +
    [...outcomes].map(([status, count]) => `${status} ${count}`).join(', '),
);
console.log(
  `Wrong outcomes: ${wrong}. Processes left after the end: ${left}. Tier ${executor.info.tier}, user ${process.getuid?.() === 0 ? 'root' : 'ordinary'}, Python ${executor.info.pythonVersion}.`,
);
if (wrong > 0 || left > 0 || rows.some(({ grown }) => grown)) process.exitCode = 1;
