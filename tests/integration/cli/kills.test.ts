/**
 * kill -9, fifty times, at any moment of one run: it ends in what an uninterrupted one ends in, and no process stays behind. The moments
 * are seeded; where in the run they fall is looked at, so that none of its parts goes unkilled.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { descendants, gone, type ProcessInfo } from '../sandbox/processes.js';
import { faultline, scratchFolder, start } from './faultline.js';

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

const PARTS = ['start', 'migration', 'generation', 'execution', 'report'] as const;
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
      // On a machine that was fast enough to come to its end before, only that is left to be killed.
      const parts = await killOnce(counts().judged === SAMPLES ? 'report' : aimOf(kills), random);
      if (parts === null) continue;
      kills++;
      for (const part of parts) hit.set(part, (hit.get(part) ?? 0) + 1);
    }
    expect(kills).toBe(KILLS);
    for (const part of PARTS) expect(hit.get(part), part).toBeGreaterThan(0);

    const last = await faultline(args('killed'));
    expect(last.code, last.err).toBe(0);
    // The product's own comparison names the first column that differs; the digest covers what only one of the two has.
    const merged = await faultline(['merge', path.join(folder, 'whole.db'), database, '--output', path.join(folder, 'merged.db')]);
    expect([merged.code, merged.out], merged.err).toEqual([
      0,
      `${NAME}: ${SAMPLES} of ${SAMPLES} samples in ${path.join(folder, 'merged.db')}\n`,
    ]);
    expect(digest('killed')).toBe(digest('whole'));
    expect(digest('merged')).toBe(digest('whole'));
    expect(measures('killed')).toHaveLength(SAMPLES);
    expect(measures('killed')).toEqual(measures('whole'));
    for (const name of ['samples.jsonl', 'samples.jsonl_results.jsonl', 'tables/categories.csv', 'figures/problems.pdf']) {
      const bytes = (run: string) => readFileSync(path.join(folder, run, NAME, name));
      expect(bytes('killed').equals(bytes('whole')), name).toBe(true);
    }
    expect(readdirSync(path.join(folder, 'killed', NAME)).sort()).toEqual(readdirSync(path.join(folder, 'whole', NAME)).sort());
  }, 300_000);
});

/** The part of the run that a kill is meant for: the first ones for what happens once, the last ones for its end, the rest all over. */
function aimOf(kill: number): Part {
  if (kill < 4) return 'start';
  if (kill < 10) return 'migration';
  if (kill >= KILLS - 10) return 'report';
  return kill % 3 === 0 ? 'execution' : 'generation';
}

/** Milliseconds within which a kill comes, after its part has begun. */
const WINDOW = { start: 300, migration: 40, generation: 900, execution: 300, report: 400 } as const satisfies Record<Part, number>;

/**
 * Starts the run, waits for a part of it and a random while, and kills it; then waits for every process that it had. Says in which
 * parts it was; null where it had ended by itself.
 */
async function killOnce(aim: Part, random: () => number): Promise<Part[] | null> {
  const before = counts();
  const child = start([...args('killed'), ...(aim === 'report' ? [] : slowly)]);
  let err = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text));
  child.stdout!.resume();
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const begun: Record<Part, () => boolean> = {
    start: () => true,
    migration: () => existsSync(database),
    generation: () => descendants(child.pid).length > 0,
    execution: () => counts().judged > before.judged,
    report: () => /^classify: /m.test(err),
  };
  while (child.exitCode === null && !begun[aim]()) await pause(aim === 'migration' ? 1 : 10);
  await pause(random() * WINDOW[aim]);
  const below: ProcessInfo[] = descendants(child.pid);
  child.kill('SIGKILL');
  await ended;
  await gone(below);
  if (child.signalCode !== 'SIGKILL') return null;
  if (!existsSync(database)) return ['start'];
  const { samples, judged } = counts();
  if (samples === 0 && below.length === 0) return ['migration'];
  if (judged === SAMPLES) return ['report'];
  return [
    ...(samples < SAMPLES ? (['generation'] as const) : []),
    ...(judged > before.judged || samples === SAMPLES ? (['execution'] as const) : []),
  ];
}

function counts(): { samples: number; judged: number } {
  try {
    using store = Store.open(database, { readonly: true });
    const [experiment] = store.experiments();
    if (experiment === undefined) return { samples: 0, judged: 0 };
    const { samples, executed } = store.counts(experiment.id);
    return { samples, judged: executed };
  } catch {
    return { samples: 0, judged: 0 }; // still being created
  }
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
