/** `faultline query` on the database of a small run: views, SQL, words, and what it refuses. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { faultline, root, scratchFolder } from './faultline.js';

const folder = scratchFolder();
const db = path.join(folder, 'outputs', 'faultline.db');
const RUN = ['--num-problems', '12', '--samples', '4'];

interface Answer {
  readonly columns: string[];
  readonly rows: unknown[][];
  readonly complete: boolean;
}

async function ask(...args: string[]): Promise<Answer> {
  const { code, out, err } = await faultline(['query', ...args, '--db', db, '--json']);
  expect(code, err).toBe(0);
  return JSON.parse(out) as Answer;
}

beforeAll(async () => {
  const { code, err } = await faultline(['run', ...RUN], { cwd: folder });
  expect(code, err).toBe(0);
}, 120_000);

describe('faultline query', () => {
  it('lists the views that the README names, with their columns', async () => {
    const { code, out } = await faultline(['query', '--db', db, '--json']);
    expect(code).toBe(0);
    const { views } = JSON.parse(out) as { views: { name: string; columns: string[] }[] };
    const table = readFileSync(path.join(root, 'README.md'), 'utf8').split('### Ask the database')[1]!.split('###')[0]!;
    const named = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(views.map(({ name }) => name).sort()).toEqual(named.sort());
    expect(views.every(({ columns }) => columns.includes('experiment_hash'))).toBe(true);
  });

  it('has views that agree with each other and with the report', async () => {
    const [samples, failures, categories, problems] = await Promise.all([
      ask('SELECT outcome, count(*) FROM sample_results GROUP BY 1'),
      ask('SELECT count(*) FROM failures'),
      ask('SELECT outcome, sum(samples) FROM category_counts GROUP BY 1'),
      ask('SELECT sum(samples), sum(counted), sum(passed), sum(crashed), sum(infra) FROM problem_results'),
    ]);
    expect(categories.rows).toEqual(samples.rows);
    const count = Object.fromEntries(samples.rows as [string, number][]);
    const of = (...names: string[]): number => names.reduce((sum, name) => sum + (count[name] ?? 0), 0);
    expect(Object.values(count).reduce((sum, each) => sum + each)).toBe(48);
    expect(failures.rows).toEqual([[48 - of('pass', 'infra')]]);
    expect(problems.rows).toEqual([[48, 48 - of('infra'), of('pass'), of('load', 'crash'), of('infra')]]);
    // The same counts from the samples themselves: different programs of one leaf are counted by problem.
    for (const [view, columns, programs] of [
      ['category_counts', 'outcome, category_code, category', 'count(DISTINCT task_id), count(DISTINCT task_id || char(10) || completion)'],
      ['problem_results', 'task_id, problem_position', 'avg(mean_logprob), count(DISTINCT completion)'],
    ] as const) {
      const [counted, byHand] = await Promise.all([
        ask(`SELECT ${columns}, samples, ${view === 'category_counts' ? 'problems' : 'mean_logprob'}, programs FROM ${view} ORDER BY 1, 2`),
        ask(`SELECT ${columns}, count(*), ${programs} FROM sample_results GROUP BY ${columns} ORDER BY 1, 2`),
      ]);
      expect(counted.rows).toEqual(byHand.rows);
    }
    const { out } = await faultline(['analyze', '--db', db, '--json']);
    const { outcomes } = JSON.parse(out) as { outcomes: { outcome: string; count: number }[] };
    expect(
      outcomes
        .filter((each) => each.count > 0)
        .map((each) => [each.outcome, each.count])
        .sort(),
    ).toEqual(samples.rows.sort());
  });

  it('has the text measures of each sample beside its outcome', async () => {
    const counts = await ask(
      'SELECT outcome, count(*), min(edit_similarity) >= 0, max(edit_similarity) <= 1 FROM text_measures_by_sample GROUP BY 1',
    );
    const outcomes = await ask('SELECT outcome, count(*), 1, 1 FROM sample_results GROUP BY 1');
    expect(counts.rows).toEqual(outcomes.rows);
    const logprobs = await ask(
      'SELECT count(*) FROM text_measures_by_sample m JOIN sample_results r USING (task_id, sample_index) WHERE abs(m.mean_logprob - r.mean_logprob) > 1e-12',
    );
    expect(logprobs.rows).toEqual([[0]]);
  });

  it('finds samples by words of their errors, as many as SQL does', async () => {
    const [[type, message, samples]] = (
      await ask('SELECT exception_type, exception_message, samples FROM error_messages ORDER BY samples DESC, 1, 2 LIMIT 1')
    ).rows as [[string, string, number]];
    const found = await ask('--search', `${type} ${message}`);
    expect(found.rows.length).toBeGreaterThanOrEqual(samples);
    expect(found.rows[0]![found.columns.indexOf('exception_type')]).toBe(type);
    const beginning = await ask('--search', `${type.slice(0, 4)}*`);
    const like = await ask(`SELECT count(*) FROM sample_results WHERE exception_type LIKE '${type.slice(0, 4)}%'`);
    expect(like.rows[0]![0]).toBeGreaterThan(0);
    expect(beginning.rows.length).toBeGreaterThanOrEqual(like.rows[0]![0] as number);
    // What would be syntax of the search is text here.
    expect((await ask('--search', 'AND OR NEAR( "')).rows).toEqual([]);
  });

  it('prints a table, CSV, and when there is more', async () => {
    const sql = "SELECT 1 AS a, NULL AS b, 'x,\"y\"' AS c UNION ALL SELECT 22, char(27) || '[31m', 9007199254740993";
    const table = await faultline(['query', sql, '--db', db]);
    expect(table.out.split('\n')).toEqual(['a   b      c', ' 1         x,"y"', '22  \u241b[31m  9007199254740993', '']);
    const csv = await faultline(['query', sql, '--db', db, '--csv', '--limit', '1']);
    expect(csv.out).toBe('a,b,c\r\n1,,"x,""y"""\r\n');
    expect(csv.err).toContain('more than 1 rows');
    expect((await ask('SELECT 1 LIMIT 0')).rows).toEqual([]);
  });

  it('refuses what would change anything, and says what is wrong with a question', async () => {
    const before = statSync(db).mtimeMs;
    for (const [args, message] of [
      [['DELETE FROM verdicts'], 'only statements that read'],
      [["ATTACH 'other.db' AS other"], 'returns no rows'],
      [['PRAGMA journal_mode = DELETE'], 'only statements that read'],
      [['SELECT 1; SELECT 2'], 'not one SQL statement'],
      [['SELEC 1'], 'syntax error'],
      [['SELECT * FROM nowhere'], 'no such table'],
      [['SELECT ?'], 'nothing is filled in'],
      [["SELECT json('{')"], 'malformed JSON'],
      [['failures', '--search', 'x'], 'cannot be given together'],
      [['--search', '!!'], 'no word'],
      [['failures', '--limit', '0'], '--limit'],
    ] as const) {
      const { code, out, err } = await faultline(['query', ...args, '--db', db]);
      expect([code, out], args.join(' ')).toEqual([2, '']);
      expect(err).toContain(message);
      expect(err).toContain('hint:');
    }
    expect(statSync(db).mtimeMs).toBe(before);
    expect((await ask('SELECT count(*) FROM verdicts')).rows).toEqual([[48]]);
  });

  it('names a database that is missing or none', async () => {
    const missing = await faultline(['query', 'failures', '--db', path.join(folder, 'no.db')]);
    expect([missing.code, missing.err]).toEqual([3, expect.stringContaining('no such database')]);
    writeFileSync(
      path.join(folder, 'text.db'),
      'hello, this is no database, but long enough to have a header of one hundred bytes, or nearly so. Now it is.',
    );
    const none = await faultline(['query', 'failures', '--db', path.join(folder, 'text.db')]);
    expect(none.code).toBe(3);
  });
});
