/** `faultline import`: what a run drew, taken for somebody else's, comes to the same verdicts; malformed files store nothing. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import { thisMachine } from '../../../src/pipeline/machine.js';
import { describeMachines } from '../../../src/reports/methods.js';
import { faultline, finished, readLines, root, scratchFolder, start, writeLines } from './faultline.js';

const folder = scratchFolder();
const runDb = path.join(folder, 'outputs', 'faultline.db');
const results = path.join(folder, 'outputs', 'pico-gpt2-py-pico-tasks', 'samples.jsonl_results.jsonl');
const db = path.join(folder, 'theirs', 'faultline.db');
const PROBLEMS = ['--problems', 'pico-tasks'];

interface Imported {
  readonly samples: number;
  readonly executed: number;
  readonly report: { readonly text_view: unknown };
  readonly claims: { readonly made: number; readonly contradicted: readonly { taskId: string; sampleIndex: number; claimed: boolean }[] };
}

const imported = async (file: string, ...args: string[]): Promise<Imported> => {
  const { code, out, err } = await faultline(['import', file, ...PROBLEMS, ...args, '--json'], { cwd: folder });
  expect(code, err).toBe(0);
  return JSON.parse(out) as Imported;
};

async function ask(database: string, sql: string): Promise<unknown[][]> {
  const { out, err } = await faultline(['query', sql, '--db', database, '--limit', '1000', '--json']);
  expect(err).toBe('');
  return (JSON.parse(out) as { rows: unknown[][] }).rows;
}

/** What does not depend on tokens, of every sample. */
const VERDICTS = `SELECT task_id, sample_index, completion, passed, status, outcome, category_code, evidence, exception_type, exception_line
  FROM sample_results WHERE experiment = '$' ORDER BY problem_position, sample_index`;

beforeAll(async () => {
  const { code, err } = await faultline(['run', '--num-problems', '8', '--samples', '4'], { cwd: folder });
  expect(code, err).toBe(0);
}, 120_000);

describe('faultline import', () => {
  it('comes to the verdicts that the samples had, and a second time does nothing', async () => {
    const first = await imported(results, '--experiment', 'theirs', '--db', db, '--outputs', path.join(folder, 'theirs'));
    expect([first.samples, first.executed]).toEqual([32, 32]);
    expect(first.claims).toEqual({ made: 32, contradicted: [] });
    expect(await ask(db, VERDICTS.replace('$', 'theirs'))).toEqual(await ask(runDb, VERDICTS.replace('$', 'pico-gpt2-py-pico-tasks')));
    const again = await imported(results, '--experiment', 'theirs', '--db', db, '--outputs', path.join(folder, 'theirs'));
    expect(again.executed).toBe(0);
    expect(existsSync(path.join(folder, 'theirs', 'theirs', 'report.html'))).toBe(true);
    const methods = readFileSync(path.join(folder, 'theirs', 'theirs', 'methods.txt'), 'utf8').replace(/\n/g, ' ');
    expect(methods).toContain('we judged 32 samples of 8 problems');
    expect(methods).not.toMatch(/we drew|Philox|the strategy/);
    expect(methods).toContain(`They were judged on ${describeMachines([thisMachine()]).join()}, seed`);
    const shown = await faultline(['show', 'Pico/5', '0', '--db', db]);
    expect([shown.code, shown.err]).toEqual([0, '']);
    expect(shown.out).toContain('no tokens');
  });

  it.each(['humaneval-results', 'evalplus-results'])(
    'takes what export writes as %s, to the same verdicts, with what it says of them',
    async (format) => {
      const file = path.join(folder, format);
      const { code, err } = await faultline(['export', '--format', format, '--db', runDb, '--output', file]);
      expect(code, err).toBe(0);
      const database = path.join(folder, `${format}.db`);
      const { samples, claims } = await imported(file, '--experiment', 'back', '--db', database);
      expect([samples, claims]).toEqual([32, { made: 32, contradicted: [] }]);
      expect(await ask(database, VERDICTS.replace('$', 'back'))).toEqual(
        await ask(runDb, VERDICTS.replace('$', 'pico-gpt2-py-pico-tasks')),
      );
    },
  );
  it('goes on elsewhere, judges again what is `infra`, and says of both machines', async () => {
    const there = path.join(folder, 'moved');
    const args = ['--experiment', 'moved', '--db', path.join(there, 'moved.db'), '--outputs', there];
    await imported(results, ...args);
    // As it would be had another machine been stopped before its last verdict, with one that it could not judge; both were once marked as finished.
    const rows = new Database(path.join(there, 'moved.db'));
    rows.pragma('foreign_keys = ON');
    for (const table of ['classifications', 'executions', 'verdicts'])
      rows.exec(`DELETE FROM ${table} WHERE sample_id = (SELECT max(id) FROM samples)`);
    rows.exec("UPDATE verdicts SET passed = 0, status = 'infra', detail = 'the sandbox died' WHERE sample_id = 1");
    rows.exec("UPDATE machines SET cpu = 'A larger CPU', cores = 64");
    rows.close();
    expect((await imported(results, ...args)).executed).toBe(2);
    expect(await ask(path.join(there, 'moved.db'), VERDICTS.replace('$', 'moved'))).toEqual(
      await ask(runDb, VERDICTS.replace('$', 'pico-gpt2-py-pico-tasks')),
    );
    const methods = readFileSync(path.join(there, 'moved', 'methods.txt'), 'utf8').replace(/\s+/g, ' ');
    expect(methods).toMatch(/They were judged on A larger CPU with 64 cores, [^;]* and on /);
    expect(methods).toContain(`and on ${describeMachines([thisMachine()]).join()}, seed`);
  });

  it('measures the texts and marks the assertions, also where all was judged before there was that', async () => {
    const database = path.join(folder, 'measured.db');
    const args = ['--experiment', 'measured', '--db', database];
    const measured = `SELECT count(*), count(edit_similarity), count(mean_logprob) FROM text_measures_by_sample`;
    const first = await imported(results, ...args);
    expect(first.report.text_view).toMatchObject({ samples: 32, unmeasured: 0 });
    expect(await ask(database, measured)).toEqual([[32, 32, 0]]);
    const direct = new Database(database);
    const marksBefore = direct.prepare('SELECT count(*) FROM assertion_marks').pluck().get();
    expect(marksBefore).toBeGreaterThan(7);
    direct.exec('DELETE FROM text_measures WHERE sample_id % 2 = 0; DELETE FROM assertion_marks');
    direct.close();
    expect(await ask(database, measured)).toEqual([[16, 16, 0]]);
    const again = await imported(results, ...args);
    expect([again.executed, again.report]).toEqual([0, first.report]);
    const marks = new Database(database, { readonly: true });
    expect(marks.prepare('SELECT count(*) FROM assertion_marks').pluck().get()).toBe(marksBefore);
    marks.close();
  });

  it('says what a long one takes before it begins, and a second time only of what is done again', async () => {
    // Equal programs are executed once.
    const samples = Array.from({ length: 1_000 }, (_, index) => ({ task_id: `Pico/${index % 4}`, completion: '    return 1\n', sample_index: index })); // prettier-ignore
    const args = ['import', writeLines(path.join(folder, 'long.jsonl'), samples), ...PROBLEMS, '--db', path.join(folder, 'long.db'), '--json']; // prettier-ignore
    const stagesOf = (out: string): unknown[] =>
      (JSON.parse(out) as { estimate: { stages: { stage: string }[] } }).estimate.stages.map(({ stage }) => stage);
    const first = await faultline(args, { cwd: folder });
    expect(first.code, first.err).toBe(0);
    expect(stagesOf(first.out)).toEqual(['execute', 'classify', 'measure', 'report']);
    expect(first.err).toMatch(
      /^estimate: at most [^\n]*\n {2}execute: about [^\n]*\(1,000 programs, [^\n]*\n {2}classify: [^\n]*\n {2}measure: [^\n]* on \d+ of them[^\n]*\n {2}report: [^]*\nexecute \d+\/1000/m,
    );
    const again = await faultline(args, { cwd: folder });
    expect(again.code, again.err).toBe(0);
    expect(stagesOf(again.out)).toEqual(['classify', 'report']);
  });

  it('keeps the largest sample index there is, also in Parquet', async () => {
    const database = path.join(folder, 'large.db');
    const sample = { task_id: 'Pico/0', completion: '    return 1\n', sample_index: 4294967295 };
    await imported(writeLines(path.join(folder, 'large.jsonl'), [sample]), '--db', database);
    const output = path.join(folder, 'large.parquet');
    const { code, err } = await faultline(['export', '--format', 'parquet', '--db', database, '--output', output]);
    expect(code, err).toBe(0);
    const bytes = readFileSync(output);
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const rows = (await parquetReadObjects({ file })) as Record<string, unknown>[];
    expect(rows.map((row) => row['sample_index'])).toEqual([4294967295n]);
    const shown = await faultline(['show', 'Pico/0', '4294967295', '--db', database, '--json']);
    expect(shown.code, shown.err).toBe(0);
    expect(JSON.parse(shown.out)).toMatchObject({ sampleIndex: 4294967295 });
  });

  it('says where a file claims something else, and takes lines without sample_index and finish_reason', async () => {
    const lines = readLines(results).map(({ task_id, completion, passed }, index) => ({
      task_id,
      completion,
      passed: index === 5 ? passed !== true : passed,
    }));
    const file = writeLines(path.join(folder, 'claims.jsonl'), lines);
    const { claims } = await imported(file, '--db', path.join(folder, 'claims.db'));
    expect(claims).toEqual({ made: 32, contradicted: [{ taskId: 'Pico/1', sampleIndex: 1, claimed: lines[5]!.passed }] });
    expect(await ask(path.join(folder, 'claims.db'), 'SELECT DISTINCT finish_reason FROM sample_results')).toEqual([['unknown']]);
    const { err } = await faultline(['import', file, ...PROBLEMS, '--db', path.join(folder, 'claims.db')], { cwd: folder });
    expect(err).toContain('32 lines say whether they passed; 1 came out otherwise here: Pico/1 1');
    expect(err).toContain('another version of the problems');
  });

  it('ends with 3 where the test of a problem is at fault, as a run does, and keeps what it wrote', async () => {
    const [faulty, right] = ['Faulty/0', 'Right/0'].map((task_id) => ({ task_id, prompt: 'def f(x):\n', entry_point: 'f', canonical_solution: '    return x\n', test: task_id === 'Right/0' ? 'def check(candidate):\n    assert candidate(1) == 1\n' : 'def check(candidate:\n' })); // prettier-ignore
    const problems = writeLines(path.join(folder, 'faulty-problems.jsonl'), [faulty, right]);
    const file = writeLines(path.join(folder, 'faulty.jsonl'), ['Faulty/0', 'Right/0'].map((task_id) => ({ task_id, completion: '    return x\n', passed: true }))); // prettier-ignore
    const args = ['import', file, '--problems', problems, '--experiment', 'faulty', '--db', path.join(folder, 'faulty.db'), '--outputs', path.join(folder, 'faulty')]; // prettier-ignore
    const { code, out, err } = await faultline([...args, '--json'], { cwd: folder });
    expect(code, err).toBe(3);
    expect(err).toMatch(/error: 1 sample not judged: the test of Faulty\/0[^]*hint: Correct the test/);
    expect(JSON.parse(out)).toMatchObject({ samples: 2, unjudged: [{ taskId: 'Faulty/0', samples: 1 }], unsupported: [] });
    expect(existsSync(path.join(folder, 'faulty', 'faulty', 'report.html'))).toBe(true);
    const one = writeLines(path.join(folder, 'one.jsonl'), [{ task_id: 'Right/0', completion: '    return x\n', passed: true }]);
    const right_ = await faultline(['import', one, '--problems', problems, '--db', path.join(folder, 'one.db')], { cwd: folder });
    expect([right_.code, right_.err]).toEqual([0, expect.stringContaining('1 line says whether it passed; 0 came out otherwise here')]);
  }, 60_000);

  it('knows samples of another version of their problems by what the files of this program say, and stores nothing', async () => {
    const bundled = path.join(root, 'data', 'problems', 'pico-tasks.jsonl');
    const changed = readLines(bundled).map((problem, i) =>
      i === 3 ? { ...problem, test: `${String(problem['test'])}\n# corrected\n` } : problem,
    );
    const problems = writeLines(path.join(folder, 'corrected.jsonl'), changed);
    const evalplus = path.join(folder, 'whole.jsonl');
    const humaneval = path.join(folder, 'parts.jsonl');
    for (const [format, file] of [
      ['evalplus', evalplus],
      ['humaneval', humaneval],
    ] as const) {
      // prettier-ignore
      const { code, err } = await faultline(['export', '--format', format, '--db', runDb, '--output', file]);
      expect(code, err).toBe(0);
    }
    const samples = path.join(path.dirname(results), 'samples.jsonl');
    // Of eight problems four samples each: the fourth problem begins on line 13.
    for (const file of [results, samples, evalplus, humaneval]) {
      const database = path.join(folder, 'version.db');
      const failed = await faultline(['import', file, '--problems', problems, '--db', database], { cwd: folder });
      expect([failed.code, failed.out], file).toEqual([3, '']);
      expect(failed.err).toContain(`${path.basename(file)}:13:`);
      expect(failed.err).toMatch(
        /this sample is of another version of Pico\/3: its digest is ".*\nhint: Give the problem file, and the --template/,
      );
      expect(existsSync(database)).toBe(false);
    }
    const executed = await faultline(['execute', '--samples', samples, '--problems', problems, '--out', path.join(folder, 'no.jsonl')]);
    expect([executed.code, executed.err]).toEqual([3, expect.stringContaining('another version of Pico/3')]);
    // The same command works with the file that they were made from.
    expect((await imported(samples, '--db', path.join(folder, 'version.db'))).samples).toBe(32);
  }, 60_000);

  it('goes on after Ctrl-C', async () => {
    const slow = Array.from({ length: 12 }, (_, index) => ({
      task_id: 'Pico/0',
      completion: `    import time\n    time.sleep(0.05)\n    return ${index}\n`,
    }));
    const file = writeLines(path.join(folder, 'slow.jsonl'), slow);
    const args = ['import', file, ...PROBLEMS, '--db', path.join(folder, 'slow.db'), '--workers', '1', '--json'];
    const child = start(args, { cwd: folder });
    setTimeout(() => child.kill('SIGINT'), 1_500);
    const stopped = await finished(child);
    expect([stopped.code, stopped.out]).toEqual([130, '']);
    const rest = await imported(file, '--db', path.join(folder, 'slow.db'), '--workers', '1');
    expect(rest.samples).toBe(12);
    expect(await ask(path.join(folder, 'slow.db'), 'SELECT count(*), sum(outcome IS NOT NULL) FROM sample_results')).toEqual([[12, 12]]);
  }, 60_000);

  it('stores nothing of a malformed file', async () => {
    const good = { task_id: 'Pico/0', completion: '    return 1\n', sample_index: 0 };
    for (const [name, text, message] of [
      ['twice', `${JSON.stringify(good)}\n${JSON.stringify(good)}\n`, 'twice.jsonl:2'],
      ['foreign', `${JSON.stringify({ ...good, task_id: 'Other/1' })}\n`, 'not in the problem file'],
      ['cut', `${JSON.stringify(good).slice(0, 30)}\n`, 'cut.jsonl:1'],
      ['empty', '', 'holds no sample'],
      ['nan', `${JSON.stringify(good).slice(0, -1)}, "mean_logprob": NaN}\n`, 'nan.jsonl:1'],
    ] as const) {
      const file = path.join(folder, `${name}.jsonl`);
      writeFileSync(file, text);
      const database = path.join(folder, `${name}.db`);
      const failed = await faultline(['import', file, ...PROBLEMS, '--db', database], { cwd: folder });
      expect([failed.code, failed.out], name).toEqual([3, '']);
      expect(failed.err).toContain(message);
      expect(existsSync(database)).toBe(false);
    }
  });
});
