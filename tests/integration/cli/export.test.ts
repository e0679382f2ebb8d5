/** `faultline export` on the database of a small run: every format read back by somebody else, and compared with the database. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultValues } from '../../../src/config/defaults.js';
import { readSamples } from '../../../src/datasets/samples.js';
import { FaultlineError } from '../../../src/errors.js';
import { exportStored } from '../../../src/pipeline/export.js';
import { Progress } from '../../../src/pipeline/progress.js';
import { EXPORT_FORMATS } from '../../../src/reports/export/index.js';
import { Store } from '../../../src/store/store.js';
import { faultline, readLines, scratchFolder, writeLines } from './faultline.js';

const folder = scratchFolder();
const db = path.join(folder, 'outputs', 'faultline.db');

type Row = Record<string, unknown>;

/** Rows of the database, by the one command that formats nothing. */
async function ask(sql: string): Promise<unknown[][]> {
  const { out, err } = await faultline(['query', sql, '--db', db, '--limit', '1000', '--json']);
  expect(err).toBe('');
  return (JSON.parse(out) as { rows: unknown[][] }).rows;
}

async function exported(format: string): Promise<string> {
  const file = path.join(folder, `samples.${format}`);
  const { code, out, err } = await faultline(['export', '--format', format, '--db', db, '--output', file, '--json']);
  expect([code, JSON.parse(out)], err).toEqual([0, { file, samples: 24 }]);
  return file;
}

beforeAll(async () => {
  const { code, err } = await faultline(['run', '--num-problems', '6', '--samples', '4'], { cwd: folder });
  expect(code, err).toBe(0);
}, 120_000);

describe('faultline export', () => {
  it('writes what HumanEval takes, which can be executed again to the same verdicts', async () => {
    const file = await exported('humaneval');
    const rows = await ask('SELECT task_id, completion, passed FROM sample_results ORDER BY problem_position, sample_index');
    const lines = readLines(file);
    expect(lines.map(({ task_id, completion }) => [task_id, completion])).toEqual(
      rows.map(([task_id, completion]) => [task_id, completion]),
    );
    for (const line of lines) expect(Object.keys(line)).toEqual(['task_id', 'completion', 'sample_index', 'problem_digest']);
    const judged = await faultline(['execute', '--samples', file, '--problems', 'pico-tasks', '--out', `${file}_results.jsonl`], {
      cwd: folder,
    });
    expect(judged.code, judged.err).toBe(0);
    const results = readLines(`${file}_results.jsonl`);
    expect(results.map(({ passed }) => passed)).toEqual(rows.map(([, , passed]) => passed === 1));
  });

  it('writes what evalplus takes: whole programs', async () => {
    const rows = await ask(
      'SELECT p.task_id, p.prompt || r.completion FROM sample_results r JOIN problems p ON p.task_id = r.task_id ORDER BY problem_position, sample_index',
    );
    const lines = readLines(await exported('evalplus'));
    expect(lines.map(({ task_id, solution }) => [task_id, solution])).toEqual(rows);
    for (const line of lines) expect(Object.keys(line)).toEqual(['task_id', 'solution', 'sample_index', 'problem_digest']);
  });

  it('writes verdicts as HumanEval and evalplus do, of the samples that have one', async () => {
    const rows = await ask(
      `SELECT r.task_id, r.completion, p.prompt || r.completion, r.passed, r.status, r.evidence FROM sample_results r
       JOIN problems p ON p.task_id = r.task_id ORDER BY problem_position, sample_index`,
    );
    const lines = readLines(await exported('humaneval-results'));
    expect(lines.map(({ task_id, completion, passed }) => [task_id, completion, passed])).toEqual(
      rows.map(([task, completion, , passed]) => [task, completion, passed === 1]),
    );
    for (const line of lines) {
      expect(Object.keys(line)).toEqual(['task_id', 'completion', 'result', 'passed', 'sample_index', 'problem_digest']);
      // What the report's own file of results says, in which all fields are.
      expect(line['result']).toMatch(line['passed'] === true ? /^passed$/ : /^(failed: .|timed out$)/);
    }

    const results = JSON.parse(readFileSync(await exported('evalplus-results'), 'utf8')) as {
      date: string;
      hash: string;
      eval: Record<string, Row[]>;
    };
    expect(Object.keys(results.eval)).toEqual([...new Set(rows.map(([task]) => task))]);
    const samples = Object.values(results.eval).flat();
    expect(samples.map((row) => [row['task_id'], row['solution'], row['base_status'] === 'pass', row['plus_status']])).toEqual(
      rows.map(([task, , solution, passed]) => [task, solution, passed === 1, null]),
    );
    expect(new Set(samples.map((row) => row['base_status']))).toEqual(new Set(rows.map(([, , , passed, status]) => (passed === 1 ? 'pass' : status === 'limit' ? 'timeout' : 'fail')))); // prettier-ignore
    expect([results.date, results.hash]).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d$/), expect.stringMatching(/^[0-9a-f]{64}$/)]); // prettier-ignore
  });

  it('leaves out what has no verdict of its own where a line says that one passed or failed, and numbers the others as they were', async () => {
    const [good, faulty] = ['Good/0', 'Faulty/0'].map((task_id) => ({ task_id, prompt: 'def f(x):\n', entry_point: 'f', canonical_solution: '    return x\n', test: task_id === 'Good/0' ? 'def check(candidate):\n    assert candidate(1) == 1\n' : 'def check(candidate:\n' })); // prettier-ignore
    const problems = writeLines(path.join(folder, 'problems.jsonl'), [good, faulty]);
    const places = [['Good/0', 7], ['Faulty/0', 0], ['Good/0', 2]] as const; // prettier-ignore
    const samples = writeLines(path.join(folder, 'three.jsonl'), places.map(([task_id, sample_index]) => ({ task_id, sample_index, completion: '    while True:\n        pass\n' }))); // prettier-ignore
    const database = path.join(folder, 'three.db');
    const judged = await faultline(['import', samples, '--problems', problems, '--db', database], { cwd: folder });
    expect(judged.code, judged.err).toBe(3);
    const written = async (format: string): Promise<string> => {
      const file = path.join(folder, `three-${format}`);
      const { code, err } = await faultline(['export', '--format', format, '--db', database, '--output', file]);
      expect(code, err).toBe(0);
      return file;
    };
    const timedOut = { task_id: 'Good/0', passed: false, result: 'timed out' };
    expect(readLines(await written('humaneval-results'))).toMatchObject([timedOut, timedOut]);
    expect(JSON.parse(readFileSync(await written('evalplus-results'), 'utf8'))).toMatchObject({
      eval: { 'Good/0': [{ base_status: 'timeout' }, { base_status: 'timeout' }] },
    });
    const known = new Map([good!, faulty!].map((each) => [each.task_id, { ...each, entryPoint: each.entry_point }]));
    const indices = async (format: string): Promise<unknown[]> => {
      const found = [];
      for await (const { taskId, sampleIndex } of readSamples(await written(format), known)) found.push([taskId, sampleIndex]);
      return found;
    };
    for (const format of ['humaneval-results', 'evalplus-results'])
      expect(await indices(format), format).toEqual([['Good/0', 2], ['Good/0', 7]]); // prettier-ignore
    for (const format of ['humaneval', 'evalplus'])
      expect(await indices(format), format).toEqual([['Good/0', 2], ['Good/0', 7], ['Faulty/0', 0]]); // prettier-ignore
  });

  it('leaves indices out where several strategies have each of them, so that they can be imported', async () => {
    const database = path.join(folder, 'strategies.db');
    using from = Store.open(db, { readonly: true });
    const experiment = from.experiments()[0]!;
    const problems = from.problems(experiment.id);
    using into = Store.open(database);
    const { id } = into.beginExperiment({ ...experiment, name: 'strategies', hash: 'f'.repeat(64) });
    into.addProblems(id, problems);
    for (const strategy of ['first', 'second']) {
      into.addSamples(id, [...from.samples(experiment.id)].map((each) => ({ ...each, ...from.tokens(experiment.id, each), strategy }))); // prettier-ignore
      into.addExecutions(id, [...from.judgedSamples(experiment.id)].map((each) => ({ ...each, strategy }))); // prettier-ignore
    }
    into.close();
    const known = new Map(problems.map((problem) => [problem.taskId, problem]));
    for (const format of ['humaneval', 'humaneval-results', 'evalplus']) {
      const output = path.join(folder, `strategies-${format}`);
      const { code, err } = await faultline(['export', '--format', format, '--db', database, '--output', output]);
      expect(code, err).toBe(0);
      for (const line of readLines(output)) expect(line).not.toHaveProperty('sample_index');
      const indices: number[] = [];
      for await (const { taskId, sampleIndex } of readSamples(output, known)) if (taskId === problems[0]!.taskId) indices.push(sampleIndex);
      expect(indices, format).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
  });

  it('writes CSV that is the report’s own, and Parquet with the same columns, typed', async () => {
    const csv = readFileSync(await exported('csv'), 'utf8');
    expect(csv).toBe(readFileSync(path.join(folder, 'outputs', 'pico-gpt2-py-pico-tasks', 'samples.csv'), 'utf8'));
    const bytes = readFileSync(await exported('parquet'));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const columns = parquetMetadata(file).schema.slice(1);
    const header = csv.split('\r\n')[0]!.split(',');
    expect(columns.map(({ name }) => name)).toEqual([...header, 'prompt', 'completion']);
    const rows = (await parquetReadObjects({ file })) as Row[];
    const wanted = await ask(
      `SELECT task_id, sample_index, passed, outcome, category_code, token_count, mean_logprob, completion
       FROM sample_results ORDER BY problem_position, sample_index`,
    );
    expect(rows.map((row) => [row['task_id'], Number(row['sample_index']), Number(row['passed']), row['outcome'], row['category_code'] ?? null, row['tokens'], row['mean_logprob'], row['completion']])).toEqual(wanted); // prettier-ignore
    expect(rows.every((row) => typeof row['passed'] === 'boolean')).toBe(true);
  });

  it('says where tokens lie, so that others find them', async () => {
    for (const { task_id, sample_index, file, offset, length } of readLines(await exported('token-index')).slice(0, 5)) {
      const bytes = readFileSync(path.join(`${db}.shards`, String(file)));
      const headerBytes = Number(bytes.readBigUInt64LE(0));
      const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes)) as Record<string, { data_offsets: [number, number] }>;
      const start = 8 + headerBytes + header['tokens']!.data_offsets[0] + 4 * Number(offset);
      const tokens = Array.from({ length: Number(length) }, (_, i) => bytes.readInt32LE(start + 4 * i));
      const shown = await faultline(['show', String(task_id), String(sample_index), '--db', db, '--json']);
      expect(tokens).toEqual((JSON.parse(shown.out) as { token_list: { token: number }[] }).token_list.map(({ token }) => token));
    }
  });

  it('never replaces the database, in no format', async () => {
    const before = readFileSync(db);
    for (const { name } of EXPORT_FORMATS) {
      const { code, out, err } = await faultline(['export', '--format', name, '--db', db, '--output', db]);
      expect([code, out], name).toEqual([2, '']);
      expect(err).toContain('is the database that this command reads, and would be replaced');
    }
    expect(readFileSync(db).equals(before)).toBe(true);
  });

  it('stops at Ctrl-C, and leaves no half-written file; the same command then writes it', async () => {
    const store = Store.open(db, { readonly: true });
    const experiment = store.experiments()[0]!;
    const samples = [...store.samples(experiment.id)];
    store.close();
    // A file large enough that writing has turns: the samples over and over, as an experiment of its own.
    const large = path.join(folder, 'large.db');
    using into = Store.open(large);
    const { id } = into.beginExperiment({ ...experiment, name: 'large', hash: 'e'.repeat(64) });
    using from = Store.open(db, { readonly: true });
    into.addProblems(id, from.problems(experiment.id));
    const [first] = samples;
    const none = { tokens: new Int32Array(), logprobs: new Float32Array(), entropies: new Float32Array() };
    const text = `    # ${'long '.repeat(800)}\n`;
    into.addSamples(id, Array.from({ length: 1_000 }, (_, sampleIndex) => ({ ...first!, ...none, sampleIndex, completion: text, rawText: text, cut: text.length }))); // prettier-ignore
    into.close();
    const out = path.join(folder, 'stopped');
    mkdirSync(out);
    const file = path.join(out, 'samples.jsonl');
    const values = { ...defaultValues(), 'outputs.database': large };
    const options = { experiment: 'large', format: 'humaneval', output: file, progress: new Progress({ write: () => true }) };
    const controller = new AbortController();
    const export_ = exportStored(values, { ...options, signal: controller.signal });
    setImmediate(() => {
      controller.abort(new FaultlineError('interrupted', 'stopped', { hint: 'Continue with: faultline export' }));
    });
    await expect(export_).rejects.toMatchObject({
      kind: 'interrupted',
      message: 'stopped; nothing has been written',
      hint: 'Begin anew with: faultline export',
    });
    expect(readdirSync(out)).toEqual([]);
    const again = await exportStored(values, { ...options, signal: new AbortController().signal });
    expect([again.samples, readLines(file).length]).toEqual([1_000, 1_000]);
  });

  it('refuses what it cannot do, and leaves no file behind', async () => {
    const target = path.join(folder, 'no', 'such', 'folder', 'x.csv');
    for (const [args, code, message] of [
      [['--format', 'xls'], 2, EXPORT_FORMATS.map(({ name }) => name).join(', ')],
      [[], 2, '--format'],
      [['--format', 'csv', '--experiment', 'other'], 3, 'no experiment other'],
      [['--format', 'csv', '--output', target], 5, 'x.csv'],
    ] as const) {
      const failed = await faultline(['export', ...args, '--db', db], { cwd: folder });
      expect([failed.code, failed.out], args.join(' ')).toEqual([code, '']);
      expect(failed.err).toContain(message);
    }
    expect(existsSync(target)).toBe(false);
  });
});
