/**
 * What one execution leaves to the next: nothing. Every candidate is a fork of one zygote, so whatever enters that, its memory or its open
 * descriptors, would be every later candidate's. Whether verdicts stay the same after hostile programs is hostile-suite.ts's.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { kernelReport } from '../../../src/sandbox/launcher.js';
import { ProcessExecutor } from '../../../src/sandbox/process-executor.js';
import { ISOLATING_TIERS } from '../../../src/sandbox/tiers.js';
import { job } from './jobs.js';
import { descendants } from './processes.js';
import { PYTHON } from './users.js';

const LIMITS = { cpuSeconds: 0.3, wallSeconds: 0.6 };
/** CAP_SYS_PTRACE: without it nobody may look into a process that is not dumpable. */
const mayLook = (BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!}`) >> 19n) % 2n === 1n;

let executor: ProcessExecutor | null = null;
afterEach(async () => {
  await executor?.dispose();
  executor = null;
});

/** The texts among `wanted` that a fork of the zygote would find in its memory. */
function foundInZygote(wanted: readonly string[]): string[] {
  const zygotes = descendants().filter(({ command }) => command.includes('zygote.py'));
  expect(zygotes.length).toBeGreaterThan(0);
  const found = new Set<string>();
  for (const { pid } of zygotes) {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    try {
      // Each mapping's first line, and its flags: `dc` is what a fork does not copy.
      for (const [, start, end, modes, flags] of readFileSync(`/proc/${pid}/smaps`, 'utf8').matchAll(
        /^([0-9a-f]+)-([0-9a-f]+) (\S+) [^]*?^VmFlags: (.*)$/gm,
      )) {
        if (!modes!.startsWith('rw') || flags!.split(' ').includes('dc')) continue;
        const piece = Buffer.alloc(Number(BigInt(`0x${end!}`) - BigInt(`0x${start!}`)));
        readSync(memory, piece, 0, piece.length, BigInt(`0x${start!}`) as unknown as number);
        for (const text of wanted) if (piece.includes(text)) found.add(text);
      }
    } finally {
      closeSync(memory);
    }
  }
  return [...found];
}

const { landlock } = await kernelReport();

describe.each(ISOLATING_TIERS.map((tier) => ({ tier })))('in tier $tier', ({ tier }) => {
  const skipped = tier === 'landlock' && landlock === null;
  const create = async (): Promise<ProcessExecutor> =>
    (executor = await ProcessExecutor.create({ workers: 1, tier, python: PYTHON, calibration: 1, limits: LIMITS }));

  it.skipIf(skipped || !mayLook)('memory holds nothing of a program, of what it printed, and of where it was', async () => {
    const own = await create();
    // The length is what memory of objects and of the C library is divided by.
    for (const length of [10, 3_000]) {
      const filler = `    # ${'word '.repeat(length / 5)}\n`;
      const printed = `    print("".join(["printed_", "by_it"]) * ${length}, flush=True)\n`;
      const body = `    in_its_text = "in_its_text"\n${filler}${printed}    def where_it_was():\n        while True:\n            pass\n    where_it_was()\n`;
      const verdict = await own.execute(job(body));
      expect(verdict.outcome).toMatchObject({ status: 'limit', resource: 'cpu' });
      expect(verdict.measurements.stdout).toContain('printed_by_it');
      expect(verdict.measurements.stack?.map(({ function: name }) => name)).toContain('where_it_was');
      expect(foundInZygote(['in_its_text', 'printed_by_it', 'where_it_was'])).toEqual([]);
    }
    // What is looked for would be found: the start knows this text.
    expect(foundInZygote(['What an ordinary program does.'])).toHaveLength(1);
  });

  it.skipIf(skipped)('a solution is not found by the program after it', async () => {
    const own = await create();
    const test = 'assert f(1) == 918273\nassert f(2) == 5551212\n';
    const solution = `    # ${'words that explain it\n    # '.repeat(100)}\n    table = {1: 918273, 2: 5551212}\n    return table[x]\n`;
    // What it looks for stands nowhere in its own text.
    const key = Array.from('table = {', (character) => String.fromCharCode(character.charCodeAt(0) + 1)).join('');
    const thief = `    import ctypes, os
    reading, writing = os.pipe()
    library = ctypes.CDLL(None)
    library.sbrk.restype = ctypes.c_size_t
    top = library.sbrk(0) & ~4095
    shift = bytes((byte + 1) & 255 for byte in range(256))
    pages = []
    for place in range(top - (4 << 20), top, 4096):
        try:
            os.write(writing, (ctypes.c_char * 4096).from_address(place))
        except OSError:
            continue
        pages.append(os.read(reading, 4096).translate(shift))
    memory = b"".join(pages)
    at = memory.find(b"${key}")
    if at < 0:
        return len(pages)
    text = bytes((byte - 1) & 255 for byte in memory[at + 8 : at + 200])
    return eval(text[: text.index(b"}") + 1].decode())[x]
`;
    expect((await own.execute({ ...job(solution), test })).passed).toBe(true);
    for (let round = 0; round < 3; round++) {
      expect((await own.execute({ ...job(thief, round), test })).outcome.status).toBe('assertion');
    }
    // It does read its memory.
    expect((await own.execute({ ...job(thief), test: 'assert f(1) > 100\n' })).passed).toBe(true);
  });

  it.skipIf(skipped)('where a program was is not told by the one before it', async () => {
    const own = await create();
    const loops = job('    y = 0\n    while True:\n        y += 1\n');
    const before = await own.execute(loops);
    const forges = `    import fcntl, os
    fcntl.fcntl(4, fcntl.F_SETFL, os.O_NONBLOCK | os.O_DIRECT)
    try:
        while True:
            os.write(4, b'  File "<generated>", line 1 in forged\\n')
    except BlockingIOError:
        return x + 1
`;
    expect((await own.execute(job(forges))).passed).toBe(true);
    const after = await own.execute(loops);
    expect(after.measurements.stack?.map(({ function: name }) => name)).toEqual(['f']);
    expect(before.measurements.stack?.map(({ function: name }) => name)).toEqual(['f']);
  });

  it.skipIf(skipped)('locks and modes of the descriptors that it was given end with a program', async () => {
    const own = await create();
    const locks = job(
      '    import fcntl\n    for given in (0, 1, 2, 4):\n        fcntl.flock(given, fcntl.LOCK_EX | fcntl.LOCK_NB)\n    return x + 1\n',
    );
    const changes = job(
      '    import fcntl, os\n    before = [fcntl.fcntl(given, fcntl.F_GETFL) for given in (0, 1, 2, 4)]\n' +
        '    for given in (0, 1, 2, 4):\n        fcntl.fcntl(given, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)\n' +
        '    print(before)\n    return x + 1\n',
    );
    for (let round = 0; round < 2; round++) expect((await own.execute(locks)).outcome.status).toBe('passed');
    const [first, second] = [await own.execute(changes), await own.execute(changes)];
    expect(first.passed).toBe(true);
    expect(second.measurements.stdout).toBe(first.measurements.stdout);
  });
});
