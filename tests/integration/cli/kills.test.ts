/**
 * kill -9, fifty times, at any moment of one run: it ends in what an uninterrupted one ends in, and no process stays behind. The moments
 * are seeded; where in the run they fall is looked at, so that none of its parts goes unkilled. And once in the middle of `import` and of `merge`.
 */
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { descendants, gone, type ProcessInfo } from '../sandbox/processes.js';
import { faultline, readLines, root, scratchFolder, start, writeLines } from './faultline.js';

const KILLS = 50;
const SEED = 20_240_607;
const SAMPLES = 8 * 60;

const folder = scratchFolder();
const NAME = 'pico-gpt2-py-pico-tasks';
const args = (name: string) => {
  const outputs = ['--outputs', path.join(folder, name), '--db', path.join(folder, `${name}.db`)];
  return ['run', '--num-problems', '8', '--samples', '60', '--max-new-tokens', '96', '--workers', '2', ...outputs];
};
/** One sample at a time makes generation long enough to be hit often; it changes no result. */
const slowly = ['--batch', '1', '--threads', '1'];
const database = path.join(folder, 'killed.db');

const PARTS = ['start', 'migration', 'generation', 'execution', 'classify', 'measure', 'report'] as const;
type Part = (typeof PARTS)[number];

describe('kill -9', () => {
  it(`at ${KILLS} moments of one run changes nothing and leaves no process`, async () => {
    const whole = await faultline(args('whole'));
    expect(whole.code, whole.err).toBe(0);

    const random = generator(SEED);
    const hit = new Map<Part, number>();
    let kills = 0;
    // A run that ends before its moment has come was not killed, and does not count.
    for (let attempts = 0; kills < KILLS && attempts < 3 * KILLS; attempts++) {
      const parts = await killOnce(aimOf(kills), random);
      if (parts === null) continue;
      kills++;
      for (const part of parts) hit.set(part, (hit.get(part) ?? 0) + 1);
    }
    expect(kills).toBe(KILLS);
    for (const part of PARTS) expect(hit.get(part), part).toBeGreaterThan(0);

    const last = await faultline(args('killed'));
    expect(last.code, last.err).toBe(0);
    // The product's own comparison names the first column that differs; the digest covers what only one of the two has.
    const merging = ['merge', path.join(folder, 'whole.db'), database, '--output', path.join(folder, 'merged.db')];
    await killWithin(merging, 'merged', () => rowsIn('merged', 'samples'), SAMPLES);
    const merged = await faultline(merging);
    expect([merged.code, merged.out], merged.err).toEqual([
      0,
      `${NAME}: ${SAMPLES} of ${SAMPLES} samples in ${path.join(folder, 'merged.db')}\n`,
    ]);
    expect(digest('killed')).toBe(digest('whole'));
    expect(digest('merged')).toBe(digest('whole'));
    expect(measures('killed')).toHaveLength(SAMPLES);
    expect(measures('killed')).toEqual(measures('whole'));
    expect(measures('merged')).toEqual(measures('whole'));
    for (const name of ['samples.jsonl', 'samples.jsonl_results.jsonl', 'tables/categories.csv', 'figures/problems.pdf']) {
      const bytes = (run: string) => readFileSync(path.join(folder, run, NAME, name));
      expect(bytes('killed').equals(bytes('whole')), name).toBe(true);
    }
    expect(readdirSync(path.join(folder, 'killed', NAME)).sort()).toEqual(readdirSync(path.join(folder, 'whole', NAME)).sort());
  }, 300_000);

  it('in the middle of import loses nothing', async () => {
    const lines = 160;
    const samples = writeLines(
      path.join(folder, 'theirs.jsonl'),
      readLines(path.join(folder, 'whole', NAME, 'samples.jsonl')).slice(0, lines),
    );
    const bundled = readLines(path.join(root, 'data', 'problems', 'pico-tasks.jsonl'));
    const problems = writeLines(path.join(folder, 'problems.jsonl'), bundled.slice(0, 8));
    const importing = (name: string): string[] => ['import', samples, '--problems', problems, '--experiment', 'theirs', '--workers', '2', '--outputs', path.join(folder, name), '--db', path.join(folder, `${name}.db`)]; // prettier-ignore
    await killWithin(importing('import-killed'), 'import-killed', () => rowsIn('import-killed', 'verdicts'), lines);
    for (const name of ['import-killed', 'import-whole']) {
      const { code, err } = await faultline(importing(name));
      expect(code, err).toBe(0);
    }
    expect(digest('import-killed')).toBe(digest('import-whole'));
    expect(measures('import-killed')).toHaveLength(lines);
    expect(measures('import-killed')).toEqual(measures('import-whole'));
  }, 120_000);
});

/** The part of the run that a kill is meant for: the first ones for what happens once, the last ones for its end, the rest all over. */
function aimOf(kill: number): Part {
  const { judged, measured } = counts();
  // A machine that was fast enough comes to its end before.
  if (kill >= KILLS - 10 || judged === SAMPLES) {
    // What is measured stays measured: this part is to be killed before a run comes through it.
    if (measured < SAMPLES && kill < KILLS - 4) return kill % 2 === 0 ? 'classify' : 'measure';
    return 'report';
  }
  if (kill < 4) return 'start';
  if (kill < 10) return 'migration';
  return kill % 3 === 0 ? 'execution' : 'generation';
}

/** Milliseconds within which a kill comes, after its part has begun. */
const WINDOW = {
  start: 300,
  migration: 40,
  generation: 900,
  execution: 300,
  classify: 0,
  measure: 0,
  report: 900,
} as const satisfies Record<Part, number>;

/**
 * Starts the run, waits for a part of it and a random while, and kills it; then waits for every process that it had. Says in which
 * parts it was; null where it had ended by itself.
 */
async function killOnce(aim: Part, random: () => number): Promise<Part[] | null> {
  const before = counts();
  const atEnd = aim === 'classify' || aim === 'measure' || aim === 'report';
  const child = start([...args('killed'), ...(atEnd ? [] : slowly)]);
  let err = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdout!.resume();
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  // A stage says so when it is done, and a pipe holds what was said before the kill.
  const isDone = (stage: string): boolean => new RegExp(`^${stage}: `, 'm').test(err);
  const isPartly = ({ measured }: ReturnType<typeof counts>): boolean => measured > before.measured && measured < SAMPLES;
  const begun: Record<Part, () => boolean> = {
    start: () => true,
    migration: () => existsSync(database),
    generation: () => descendants(child.pid).length > 0,
    execution: () => counts().judged > before.judged,
    classify: () => isDone('execute'),
    measure: () => isPartly(counts()),
    report: () => isDone('measure'),
  };
  while (child.exitCode === null && !begun[aim]()) await pause(aim === 'migration' || aim === 'classify' ? 1 : 10);
  await pause(random() * WINDOW[aim]);
  const below: ProcessInfo[] = descendants(child.pid);
  child.kill('SIGKILL');
  await ended;
  await gone(below);
  if (child.signalCode !== 'SIGKILL') return null;
  if (!existsSync(database)) return ['start'];
  if (isDone('measure')) return ['report'];
  // In the middle of its work, and not before its first batch or after its last.
  if (isDone('classify')) return isPartly(counts()) ? ['measure'] : [];
  if (isDone('execute')) return ['classify'];
  if (before.judged === SAMPLES) return ['start'];
  const { samples, judged } = counts();
  if (samples === 0 && below.length === 0) return ['migration'];
  return [
    ...(samples < SAMPLES ? (['generation'] as const) : []),
    ...(judged > before.judged || samples === SAMPLES ? (['execution'] as const) : []),
  ];
}

function counts(): { samples: number; judged: number; measured: number } {
  try {
    using store = Store.open(database, { readonly: true });
    const [experiment] = store.experiments();
    if (experiment === undefined) return { samples: 0, judged: 0, measured: 0 };
    const { samples, executed } = store.counts(experiment.id);
    return { samples, judged: executed, measured: store.measuredCount(experiment.id) };
  } catch {
    return { samples: 0, judged: 0, measured: 0 }; // still being created
  }
}

/** Rows of a table of a database that is being written, by a connection that opens in no time; 0 where it is not there yet. */
function rowsIn(name: string, table: string): number {
  let reader: Database.Database | undefined;
  try {
    reader = new Database(path.join(folder, `${name}.db`), { readonly: true });
    return reader.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get()!;
  } catch {
    return 0;
  } finally {
    reader?.close();
  }
}

/** Kills a command that makes the database `name` when some of `all` rows are there and not all; begins anew where the moment was missed. */
async function killWithin(command: readonly string[], name: string, rows: () => number, all: number): Promise<void> {
  for (let attempts = 0; attempts < 20; attempts++) {
    for (const end of ['', '-wal', '-shm', '.shards']) rmSync(path.join(folder, `${name}.db${end}`), { recursive: true, force: true });
    const child = start(command);
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => {
        resolve();
      });
    });
    child.stdout!.resume();
    child.stderr!.resume();
    while (child.exitCode === null && rows() === 0) await pause(1);
    const below = descendants(child.pid);
    child.kill('SIGKILL');
    await ended;
    await gone(below);
    const there = rows();
    if (child.signalCode === 'SIGKILL' && there > 0 && there < all) return;
  }
  throw new Error(`${command[0]!} was never killed in its middle`);
}

/** What was measured: no part of the digest. */
function measures(name: string): unknown {
  using store = Store.open(path.join(folder, `${name}.db`), { readonly: true });
  return store.ask('SELECT * FROM text_measures_by_sample ORDER BY task_id, sample_index', SAMPLES + 1).rows;
}

function digest(name: string): string {
  using store = Store.open(path.join(folder, `${name}.db`), { readonly: true });
  return store.resultDigest(store.experiments()[0]!.id);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Numbers from 0 up to 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
