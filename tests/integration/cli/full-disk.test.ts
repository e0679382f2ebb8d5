/** A disk that fills in the middle of a run, or that may only be read: a clear error, and what was finished is there to go on from. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { faultline, finished, readLines, root, scratchFolder, start, writeLines } from './faultline.js';

const folder = scratchFolder();
/** Root may mount; others may in a user namespace, where only the sandbox without isolation works. */
const isRoot = process.getuid?.() === 0;
const unshare = ['unshare', '--mount', ...(isRoot ? [] : ['--map-root-user'])];
const mounts = spawnSync(unshare[0]!, [...unshare.slice(1), 'mount', '-t', 'tmpfs', 'none', folder]).status === 0;
const unsafe = isRoot ? [] : ['--unsafe-no-sandbox'];

/** Runs a command with `place` on a file system of so many KiB; what it left there is copied to `kept`. */
async function onSmallDisk(place: string, kilobytes: number, kept: string, args: readonly string[]) {
  // Compiles what is to be run before the disk is small.
  await finished(start(['--version']));
  mkdirSync(place, { recursive: true });
  const script = 'mount -t tmpfs -o size="$KILOBYTES"k none "$PLACE" && { "$@"; code=$?; cp -r "$PLACE/." "$KEPT"; exit $code; }';
  const command = [...unshare, 'sh', '-c', script, 'sh', process.execPath, path.join(root, 'bin', 'faultline.js'), ...args];
  mkdirSync(kept, { recursive: true });
  const env = { ...process.env, NO_COLOR: '1', KILOBYTES: String(kilobytes), PLACE: place, KEPT: kept };
  const { status, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8', env });
  return { code: status, err: stderr };
}

const NAME = 'pico-gpt2-py-pico-tasks';

function inStore<T>(db: string, read: (store: Store, id: number) => T): T {
  using store = Store.open(db, { readonly: true });
  return read(store, store.experiments()[0]!.id);
}
const MEASURED = ['cpu_seconds', 'wall_seconds', 'peak_memory_bytes', 'near_limit'];
/** Lines of results without what is measured. */
const results = (file: string): unknown[] =>
  readLines(file).map((line) => Object.entries(line).filter(([name]) => !MEASURED.includes(name)));
const digestOf = (outputs: string): string => inStore(path.join(outputs, 'faultline.db'), (store, id) => store.resultDigest(id));
const samplesIn = (db: string): number => inStore(db, (store, id) => store.counts(id).samples);

describe.skipIf(!mounts)(`a full disk${mounts ? '' : ' (skipped: nothing can be mounted here)'}`, () => {
  it('stops execute with what is finished kept, and the rest comes to the same results', async () => {
    const problem = { task_id: 'T/0', prompt: 'def add(a, b):\n', entry_point: 'add', canonical_solution: '', test: 'assert add(1, 2) == 3\n' }; // prettier-ignore
    const problems = writeLines(path.join(folder, 'problems.jsonl'), [problem]);
    const lines = Array.from({ length: 150 }, (_, n) => ({
      task_id: 'T/0',
      completion: `    return a + b + ${n % 3}  # ${n} ${'x'.repeat(300)}\n`,
    }));
    const samples = writeLines(path.join(folder, 'samples.jsonl'), lines);
    const args = (out: string) => ['execute', '--problems', problems, '--samples', samples, '--out', out, '--workers', '2', ...unsafe];
    const whole = path.join(folder, 'whole.jsonl');
    expect((await faultline(args(whole))).code).toBe(0);

    const place = path.join(folder, 'small');
    const kept = path.join(folder, 'kept');
    const { code, err } = await onSmallDisk(place, 64, kept, args(path.join(place, 'out.jsonl')));
    expect([code, err]).toEqual([
      5,
      expect.stringMatching(/out\.jsonl\.partial: cannot be written: .*(ENOSPC|no space left).*\nhint: .*space left/),
    ]);
    const out = path.join(kept, 'out.jsonl');
    expect([existsSync(out), existsSync(`${out}.partial`)]).toEqual([false, true]);
    const again = await faultline([...args(out), '--json']);
    expect(again.code, again.err).toBe(0);
    expect((JSON.parse(again.out) as { resumed: number }).resumed).toBeGreaterThan(10);
    expect(results(out)).toEqual(results(whole));
    expect(readLines(out)).toHaveLength(150);
  });

  it('leaves the older analysis where there is no space for a new one', async () => {
    const outputs = path.join(folder, 'for-analysis');
    expect((await faultline(['run', '--num-problems', '2', '--samples', '2', '--outputs', outputs, ...unsafe])).code).toBe(0);
    const db = path.join(outputs, 'faultline.db');
    const place = path.join(folder, 'small-analysis');
    const kept = path.join(folder, 'kept-analysis');
    const { code, err } = await onSmallDisk(place, 8, kept, ['analyze', '--db', db, '--output', path.join(place, 'a.json')]);
    expect([code, err]).toEqual([5, expect.stringMatching(/a\.json: cannot be written: .*(ENOSPC|no space left).*\nhint: .*space left/)]);
    expect(readdirSync(kept)).toEqual([]);
    const { code: again } = await faultline(['analyze', '--db', db, '--output', path.join(kept, 'a.json')]);
    expect([again, readdirSync(kept)]).toEqual([0, ['a.json']]);
  });

  it('stops a run with what is stored kept, and the rest comes to the same results', async () => {
    const args = (outputs: string, ...more: string[]) => ['run', '--num-problems', '4', '--samples', '40', '--max-new-tokens', '64', '--outputs', outputs, ...unsafe, ...more]; // prettier-ignore
    const whole = path.join(folder, 'whole');
    expect((await faultline(args(whole))).code).toBe(0);
    const place = path.join(folder, 'small-run');
    const kept = path.join(folder, 'kept-run');
    const { code, err } = await onSmallDisk(place, 700, kept, args(place, '--batch', '4'));
    expect([code, err]).toEqual([5, expect.stringMatching(/error: .*(disk is full|no space left|ENOSPC).*\nhint: /i)]);
    const again = await faultline([...args(kept), '--json']);
    expect(again.code, again.err).toBe(0);
    expect((JSON.parse(again.out) as { generated: number }).generated).toBeLessThan(160);
    expect(digestOf(kept)).toBe(digestOf(whole));
  });

  it.each([
    ['merge', 700, (db: string, from: string) => ['merge', path.join(from, 'faultline.db'), '--output', db]],
    ['import', 700, (db: string, from: string) => ['import', path.join(from, NAME, 'samples.jsonl'), '--problems', 'pico-tasks', '--db', db, '--outputs', path.dirname(db), ...unsafe]], // prettier-ignore
  ] as const)('stops %s with what is stored kept, and the same command comes to the same results', async (name, kilobytes, args) => {
    const from = path.join(folder, 'whole');
    const whole = path.join(folder, `whole-${name}`);
    mkdirSync(whole);
    const without = await faultline(args(path.join(whole, 'faultline.db'), from));
    expect(without.code, without.err).toBe(0);
    const place = path.join(folder, `small-${name}`);
    const kept = path.join(folder, `kept-${name}`);
    const db = path.join(kept, 'faultline.db');
    const { code, err } = await onSmallDisk(place, kilobytes, kept, args(path.join(place, 'faultline.db'), from));
    expect([code, err]).toEqual([5, expect.stringMatching(/error: .*(disk is full|no space left|ENOSPC).*\nhint: /i)]);
    expect(samplesIn(db)).toBeGreaterThan(0);
    const again = await faultline(args(db, from));
    expect(again.code, again.err).toBe(0);
    expect(digestOf(kept)).toBe(digestOf(whole));
  });
});

describe.skipIf(!mounts)(`a database that may only be read${mounts ? '' : ' (skipped: nothing can be mounted here)'}`, () => {
  it('answers questions, refuses to be written, and goes on once it may be', async () => {
    const outputs = path.join(folder, 'to-read');
    const run = (db: string): string[] => ['run', '--num-problems', '2', '--samples', '2', '--outputs', outputs, '--db', db, ...unsafe];
    const db = path.join(folder, 'writable', 'faultline.db');
    expect((await faultline([...run(db), '--only', 'generate'])).code).toBe(0);
    const mounted = path.join(folder, 'read-only');
    mkdirSync(mounted);
    const script = 'mount --bind "$FROM" "$PLACE" && mount -o remount,bind,ro "$PLACE" && exec "$@"';
    const onReadOnly = (args: readonly string[]) => {
      const command = [...unshare, 'sh', '-c', script, 'sh', process.execPath, path.join(root, 'bin', 'faultline.js'), ...args];
      const env = { ...process.env, NO_COLOR: '1', FROM: path.dirname(db), PLACE: mounted };
      return spawnSync(command[0]!, command.slice(1), { encoding: 'utf8', env });
    };
    const there = path.join(mounted, 'faultline.db');
    const before = readFileSync(db);
    const asked = onReadOnly(['query', 'SELECT count(*) FROM samples', '--db', there, '--json']);
    expect([asked.status, asked.stderr]).toEqual([0, '']);
    expect(JSON.parse(asked.stdout)).toMatchObject({ rows: [[4]] });
    const refused = onReadOnly(run(there));
    expect([refused.status, refused.stdout, refused.stderr]).toEqual([
      5,
      '',
      expect.stringMatching(/^error: .*faultline\.db: .*\nhint: .*--db/),
    ]);
    expect(readFileSync(db).equals(before)).toBe(true);
    const again = await faultline([...run(db), '--json']);
    expect(again.code, again.err).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject({ generated: 0, executed: 4 });
  });
});
