/** `faultline diff` on two small runs: what was asked for differently, what came of it, and names that are not there. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { faultline, scratchFolder } from './faultline.js';

const folder = scratchFolder();
const db = path.join(folder, 'outputs', 'faultline.db');
const secondDb = path.join(folder, 'second.db');
const SIZE = ['--num-problems', '6', '--samples', '4'];

interface Document {
  readonly first: { name: string };
  readonly settings: { key: string; first: string; second: string }[];
  readonly problems: { compared: number };
  readonly rates: { name: string; first: { count: number }; second: { count: number }; difference: { value: number; p: number | null } }[];
  readonly pairs: { pairs: number; sameText: number };
  readonly failures: { categories: { first: number; second: number }[]; degrees: number; p: number; cramersV: { value: number } };
  readonly passRates: { cliffsDelta: { value: number; low: number; high: number } };
  readonly warnings: { rule: string }[];
}

const diff = (...args: string[]): ReturnType<typeof faultline> => faultline(['diff', ...args, '--db', db]);

beforeAll(async () => {
  for (const [name, temperature, file] of [
    ['hot', '1.2', db],
    ['cool', '0.4', db],
    ['hot', '1.2', secondDb],
  ] as const) {
    const run = await faultline(['run', ...SIZE, '--experiment', name, '--temperature', temperature, '--db', file], { cwd: folder });
    expect(run.code, run.err).toBe(0);
  }
}, 180_000);

describe('faultline diff', () => {
  it('says what was asked for differently, and counts as the database does', async () => {
    const { out, code, err } = await diff('hot', 'cool', '--json');
    expect(code, err).toBe(0);
    const document = JSON.parse(out) as Document;
    expect(document.settings).toEqual([
      { key: 'experiment', first: 'hot', second: 'cool' },
      { key: 'strategy.temperature', first: '1.2', second: '0.4' },
    ]);
    expect(document.problems.compared).toBe(6);
    const asked = await faultline([
      'query',
      'SELECT experiment, sum(passed) FROM problem_results GROUP BY 1 ORDER BY 1',
      '--db',
      db,
      '--json',
    ]);
    const { rows } = JSON.parse(asked.out) as { rows: [string, number][] };
    const pass = document.rates.find(({ name }) => name === 'pass')!;
    expect(rows).toEqual([
      ['cool', pass.second.count],
      ['hot', pass.first.count],
    ]);
    expect(pass.difference.value).toBeCloseTo((pass.second.count - pass.first.count) / 24, 12);
    const sum = (side: 'first' | 'second'): number => document.failures.categories.reduce((total, row) => total + row[side], 0);
    expect([sum('first'), sum('second')]).toEqual([24 - pass.first.count, 24 - pass.second.count]);
    expect(document.failures.degrees).toBe(document.failures.categories.length - 1);
    expect(document.failures.p).toBeGreaterThanOrEqual(2 ** -5);
    expect(Math.abs(document.passRates.cliffsDelta.value)).toBeLessThanOrEqual(1);
    expect(document.warnings.map(({ rule }) => rule)).toEqual(['few_problems']);
    const text = (await diff('hot', 'cool')).out;
    expect(text).toMatch(
      /^kinds of failure: Cramér's V \d.*, p [\d.]+ by swaps within problems, as failures of one problem are not independent$/m,
    );
    expect(text).toMatch(/^pass rates by problem: Cliff's delta [+−]\d\.\d\d/m);
    expect(text).toMatch(/^warning: 6 problems in both: with fewer than 20 the intervals are too narrow; go by the p-values\. Why: .*\.$/m);
    expect(text).toContain('6 problems in both, 24 samples and 24');
    expect(text).toMatch(/^strategy\.temperature +1\.2 +0\.4$/m);
  });

  it('finds nothing between one experiment in two databases', async () => {
    const { out } = await diff('hot', 'hot', '--second-db', secondDb, '--json');
    const document = JSON.parse(out) as Document;
    expect(document.settings).toEqual([]);
    expect(document.pairs).toMatchObject({ pairs: 24, sameText: 24 });
    // Outcomes are not tested beside their categories.
    for (const { name, difference } of document.rates)
      expect(difference, name).toMatchObject({ value: 0, p: ['pass', 'crash rate'].includes(name) ? 1 : null });
    expect((await diff('hot', 'hot', '--second-db', secondDb)).out).toContain('asked for alike');
  });

  it('names what there is where a name is wrong', async () => {
    const missing = await diff('hot', 'other');
    expect([missing.code, missing.out]).toEqual([3, '']);
    expect(missing.err).toContain('There are: hot, cool.');
    const nowhere = await diff('hot', 'cool', '--second-db', path.join(folder, 'no.db'));
    expect([nowhere.code, nowhere.err]).toEqual([3, expect.stringContaining('no such database')]);
    expect((await diff('hot')).code).toBe(2);
  });
});
