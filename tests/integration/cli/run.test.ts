/** `faultline run`: the whole of it on a few problems, interrupted in every way, and recounted from what it exports. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { loadTokenizer } from '../../../src/tokenizer/bpe.js';
import { faultline, finished, picoModel, readLines, scratchFolder, start, until, writeLines } from './faultline.js';

const folder = scratchFolder();
const NAME = 'pico-gpt2-py-pico-tasks';
const args = (outputs: string, ...more: string[]) => [
  'run',
  '--num-problems',
  '8',
  '--samples',
  '10',
  '--max-new-tokens',
  '96',
  '--outputs',
  path.join(folder, outputs),
  ...more,
];
const database = (outputs: string) => path.join(folder, outputs, 'faultline.db');
const output = (outputs: string, name: string) => path.join(folder, outputs, NAME, name);

function digest(outputs: string): string {
  using store = Store.open(database(outputs), { readonly: true });
  return store.resultDigest(store.experiments()[0]!.id);
}

/** What an interrupted run must end in, byte for byte but for times, which are no results. */
const EXPORTED = [
  'samples.jsonl',
  'samples.jsonl_results.jsonl',
  'tables/categories.csv',
  'tables/outcomes.csv',
  'tables/problems.csv',
  'tables/pass-at-k.csv',
  'tables/hidden-assertions.csv',
  'tables/programs.csv',
  'tables/by-difficulty.csv',
  'tables/by-length.csv',
  'tables/category-tags.csv',
  'tables/category-pairs.csv',
  'tables/failure-position.csv',
  'tables/first-divergence.csv',
  'tables/text-view.csv',
  'tables/text-view.tex',
  'tables/text-view-best.tex',
  'figures/text-view.pdf',
  'figures/categories.pdf',
  'figures/problems.pdf',
];

/** A file of these, a table without its columns of times. */
function exported(outputs: string, name: string): Buffer {
  const bytes = readFileSync(output(outputs, name));
  if (!name.endsWith('.csv')) return bytes;
  const [head, ...rows] = bytes.toString().split('\r\n').map((line) => line.split(',')); // prettier-ignore
  if (!head!.some((key) => key.endsWith('_seconds'))) return bytes;
  return Buffer.from(JSON.stringify([head, ...rows].map((cells) => cells!.filter((_, i) => !head![i]?.endsWith('_seconds')))));
}

describe('run', () => {
  it('ends as with wrong input where the test of a problem is at fault, and keeps the report', async () => {
    const problem = { prompt: 'def f(x):\n', entry_point: 'f', canonical_solution: '    return x\n' };
    const faulty = writeLines(path.join(folder, 'faulty.jsonl'), [{ task_id: 'Faulty/0', ...problem, test: 'def check(candidate:\n' }]);
    const outputs = ['--outputs', path.join(folder, 'faulty')];
    const { code, out, err } = await faultline(['run', '--problems', faulty, '--samples', '2', '--max-new-tokens', '8', ...outputs]);
    expect(code).toBe(3);
    expect(out).toMatch(/: 0 samples of \d problems?, and 2 samples not judged\n/);
    expect(err).toMatch(/error: 2 samples not judged: the test of Faulty\/0 does not compile: .*\nhint: .+\n$/);
    expect(existsSync(path.join(folder, 'faulty', 'pico-gpt2-py-faulty', 'report.html'))).toBe(true);
  });

  it('leaves all samples of such a problem out of every rate, also those that do not compile', async () => {
    const problem = { prompt: 'def f(x):\n', entry_point: 'f', canonical_solution: '    return x\n' };
    // Only samples that load come as far as the fault.
    const test = 'def check(candidate):\n    undefined_name\n    assert candidate(1) == 1\n';
    const faulty = writeLines(path.join(folder, 'late.jsonl'), [{ task_id: 'Faulty/0', ...problem, test }]);
    const outputs = ['--outputs', path.join(folder, 'late')];
    const args = ['run', '--problems', faulty, '--samples', '40', '--max-new-tokens', '8', '--seed', '1', ...outputs];
    const { code, out, err } = await faultline(args);
    expect(code).toBe(3);
    expect(out).toMatch(/: 0 samples of 1 problem, and 40 samples not judged\n/);
    expect(err).toMatch(/error: 40 samples not judged: the test of Faulty\/0 itself raised NameError/);
    const file = path.join(folder, 'late', 'pico-gpt2-py-late', 'samples.jsonl_results.jsonl');
    const results = readLines(file).map(({ result }) => String(result));
    // Not all of them had come that far, and what they came to is still there.
    expect(results.some((result) => !result.startsWith('infrastructure'))).toBe(true);
  });

  it('says where a canonical solution fails its test, as no verdict can tell every fault of a test after its first call', async () => {
    const problem = { prompt: 'def f(x):\n', entry_point: 'f', canonical_solution: '    return x\n' };
    // Whoever came to it outside of the loop would be known to fail.
    const test = 'def check(candidate):\n    assert candidate(1) == 1\n    for x in [2]:\n        assert candidate(undefined_name) == x\n';
    const faulty = writeLines(path.join(folder, 'second.jsonl'), [{ task_id: 'Faulty/0', ...problem, test }]);
    const outputs = ['--outputs', path.join(folder, 'second')];
    const { code, err } = await faultline(['run', '--problems', faulty, '--samples', '2', '--max-new-tokens', '8', ...outputs]);
    expect(code).toBe(0);
    expect(err).toMatch(/Faulty\/0: the canonical solution fails \(test_error\); unless that is meant, its test is at fault/);
  });

  it('writes report and samples whose numbers agree with a recount', async () => {
    const { code, out, err } = await faultline(args('whole'));
    expect(code, err).toBe(0);
    expect(out).toContain(path.join(NAME, 'report.html'));
    expect(out).not.toMatch(/\d s\b|\/s\b/); // no times: the same every time

    const samples = readLines(output('whole', 'samples.jsonl'));
    const results = readLines(output('whole', 'samples.jsonl_results.jsonl'));
    expect(samples).toHaveLength(80);
    results.forEach((row, index) => {
      expect(row).toMatchObject(samples[index]!);
    });
    expect(samples.map(({ task_id, sample_index }) => [task_id, sample_index])).toEqual(
      Array.from({ length: 80 }, (_, i) => [`Pico/${Math.floor(i / 10)}`, i % 10]),
    );

    // Recounted here, from the lines alone.
    const passes = new Map<string, number>();
    const categories = new Map<string, number>();
    for (const { task_id, passed, category_code } of results) {
      if (passed === true) passes.set(String(task_id), (passes.get(String(task_id)) ?? 0) + 1);
      else categories.set(String(category_code), (categories.get(String(category_code)) ?? 0) + 1);
    }
    const solved = [...passes.values()];
    const report = JSON.parse(readFileSync(output('whole', 'report.json'), 'utf8')) as {
      counts: { samples: number; passed: number; failed: number };
      pass_at_k: { k: number; value: number }[];
      categories: { code: string; count: number }[];
    };
    expect(report.counts).toMatchObject({ samples: 80, passed: solved.reduce((sum, n) => sum + n, 0) });
    expect(report.pass_at_k.find(({ k }) => k === 1)!.value).toBeCloseTo(solved.reduce((sum, n) => sum + n / 10, 0) / 8, 12);
    expect(report.pass_at_k.find(({ k }) => k === 10)!.value).toBeCloseTo(solved.length / 8, 12);
    expect(Object.fromEntries(report.categories.map(({ code: category, count }) => [category, count]))).toEqual(
      Object.fromEntries(categories),
    );
    const page = readFileSync(output('whole', 'report.html'), 'utf8');
    expect(page).toContain('<svg');
    // The analyses are in it, made of what the run stored.
    for (const id of ['hidden-table', 'program-table', 'length-table']) expect(page).toContain(`id="${id}"`);
  });

  it('says by which rule and where each sample failed, down to its tokens, for everybody to read', async () => {
    const tokenizer = await loadTokenizer(picoModel);
    using store = Store.open(database('whole'), { readonly: true });
    const { id } = store.experiments()[0]!;
    const results = readLines(output('whole', 'samples.jsonl_results.jsonl'));
    let located = 0;
    for (const [index, sample] of [...store.judgedSamples(id)].entries()) {
      const { place, tokens, rule, verdict, categoryCode, published, tags } = sample;
      expect(rule === null, `${sample.taskId} ${sample.sampleIndex}`).toBe(categoryCode === null);
      expect(verdict.passed || published !== null).toBe(true);
      expect(verdict.measurements.fragility !== null).toBe(verdict.passed);
      expect(results[index]).toMatchObject({
        ...{ category_rule: rule, secondary_tags: tags, failing_line: place?.line ?? null, span_start: place?.range?.start ?? null },
        ...{ token_first: tokens?.first ?? null, token_last: tokens?.last ?? null, category_dou: published?.dou ?? null },
      });
      expect(tokens === null).toBe(place?.range == null);
      if (tokens === null) continue;
      located++;
      const ids = [...store.tokens(id, sample).tokens].slice(tokens.first, tokens.last + 1);
      const spelled = Buffer.concat(ids.map((token) => tokenizer.tokenBytes(token)));
      const span = Buffer.from(sample.completion, 'utf8').subarray(place!.range!.start, place!.range!.end);
      expect(spelled.includes(span)).toBe(true);
      // No token too many at either end.
      expect(spelled.length - span.length).toBeLessThan(tokenizer.tokenBytes(ids[0]!).length + tokenizer.tokenBytes(ids.at(-1)!).length);
    }
    expect(located).toBeGreaterThan(5);
    const raw = new Database(database('whole'), { readonly: true });
    const columns =
      'category_code, dou, tambon, codehalu, rule, tags, failing_line, span_start, token_first, exception_locals, hash_seeds_tried';
    const rows = raw.prepare(`SELECT ${columns} FROM sample_results WHERE token_first IS NOT NULL`).all() as Record<string, unknown>[];
    raw.close();
    expect(rows).toHaveLength(located);
    for (const row of rows) expect(JSON.parse(String(row['dou']))).toBeInstanceOf(Array);
  });

  it('does nothing the second time, and says the same; what an older version did not mark is marked, by any Python', async () => {
    const before = digest('whole');
    const edit = (sql: string): void => {
      const raw = new Database(database('whole'));
      raw.exec(sql);
      raw.close();
    };
    const marks = (): unknown => {
      using store = Store.open(database('whole'), { readonly: true });
      return store.assertionMarks(store.experiments()[0]!.id);
    };
    const marked = marks();
    edit("DELETE FROM assertion_marks WHERE problem_id % 2 = 0; UPDATE experiments SET python_version = 'older ' || python_version");
    const elsewhere = ['--outputs', path.join(folder, 'older'), '--db', database('whole')];
    const { code, out, err } = await faultline([...args('whole'), ...elsewhere, '--json']);
    edit("UPDATE experiments SET python_version = substr(python_version, length('older ') + 1)");
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ experiment: NAME, generated: 0, executed: 0 });
    expect([digest('whole'), marks()]).toEqual([before, marked]);
  });

  it('is analyzed and reported again from the database', async () => {
    const analyzed = await faultline(['analyze', '--db', database('whole'), '--json']);
    expect(analyzed.code).toBe(0);
    const { schema, version, ...report } = JSON.parse(readFileSync(output('whole', 'report.json'), 'utf8')) as Record<string, unknown>;
    expect([schema, version]).toEqual(['faultline.report', 2]);
    expect(JSON.parse(analyzed.out)).toMatchObject(report);
    const text = await faultline(['analyze', '--db', database('whole'), '--experiment', NAME]);
    expect(text.out).toContain('80 samples of 8 problems');
    const reported = await faultline(['report', '--db', database('whole'), '--outputs', path.join(folder, 'again')]);
    expect(reported.code).toBe(0);
    for (const name of EXPORTED) expect(exported('again', name).equals(exported('whole', name)), name).toBe(true);
    const unknown = await faultline(['analyze', '--db', database('whole'), '--experiment', 'other']);
    expect([unknown.code, unknown.err]).toEqual([
      3,
      expect.stringMatching(/holds no experiment other\nhint: There are: pico-gpt2-py-pico-tasks\./),
    ]);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('continues after %s and ends in the same results and files', async (signal) => {
    // Small batches, so that there is a middle; they change no result.
    const child = start(args(signal, '--batch', '2', '--threads', '1'));
    const end = finished(child);
    await until('some samples are stored', child, () => storedSamples(signal) > 0);
    child.kill(signal);
    const { code, signal: by, out, err } = await end;
    expect([code, by]).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [130, null]);
    expect(out).toBe('');
    if (signal !== 'SIGKILL')
      expect(err).toMatch(
        /error: stopped; \d+ of 80 samples and \d+ verdicts are kept\nhint: Continue with: faultline run --num-problems 8 /,
      );
    const kept = storedSamples(signal);
    expect(kept).toBeLessThan(80);
    expect(existsSync(output(signal, 'report.html'))).toBe(false);

    if (signal === 'SIGKILL') {
      const mixed = await faultline(args(signal, '--unsafe-no-sandbox'));
      expect([mixed.code, mixed.err]).toEqual([
        4,
        expect.stringMatching(/begun with isolation namespaces, and here it is none\nhint: To go on, .*--experiment/),
      ]);
    }
    const again = await faultline([...args(signal), '--json']);
    expect(again.code, again.err).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject({ generated: 80 - kept });
    expect(digest(signal)).toBe(digest('whole'));
    for (const name of EXPORTED) expect(exported(signal, name).equals(exported('whole', name)), name).toBe(true);
    expect(readdirSync(path.join(folder, signal)).sort()).toEqual(readdirSync(path.join(folder, 'whole')).sort());
  });

  it('starts another experiment for another seed, in the same database', async () => {
    const { code } = await faultline([
      'run',
      '--num-problems',
      '1',
      '--samples',
      '2',
      '--seed',
      '18446744073709551615',
      '--experiment',
      'other',
      '--outputs',
      path.join(folder, 'whole'),
    ]);
    expect(code).toBe(0);
    using store = Store.open(database('whole'), { readonly: true });
    expect(store.experiments().map(({ name, seed }) => [name, seed])).toEqual([
      [NAME, '1'],
      ['other', '18446744073709551615'],
    ]);
  });

  it('counts again under other categories without executing again', async () => {
    const { code, out } = await faultline([...args('whole'), '--json'], { env: { FAULTLINE_CATEGORIES_RENAME: '4.1=undefined_name' } });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ generated: 0, executed: 0 });
    const names = new Set(readLines(output('whole', 'samples.jsonl_results.jsonl')).map((row) => row['category']));
    expect(names.has('undefined_name')).toBe(true);
    expect(names.has('crash.name_error')).toBe(false);
  });

  it('decides feasibility alike under any categories, and says how they were counted', async () => {
    const report = (): { feasibility: unknown; methods: string; experiment: { category_settings: unknown } } =>
      JSON.parse(readFileSync(output('whole', 'report.json'), 'utf8')) as ReturnType<typeof report>;
    expect((await faultline(args('whole'))).code).toBe(0);
    const before = report();
    expect(before.experiment.category_settings).toEqual({});
    const merged = await faultline(args('whole'), { env: { FAULTLINE_CATEGORIES_MERGE: '8.11=8.7,8.12=8.7,4.10=4.1' } });
    expect(merged.code, merged.err).toBe(0);
    const after = report();
    expect(after.feasibility).toEqual(before.feasibility);
    expect(after.experiment.category_settings).toEqual({ 'categories.merge': { '4.10': '4.1', '8.11': '8.7', '8.12': '8.7' } });
    expect(after.methods).toContain('categories.merge = {"4.10":"4.1","8.11":"8.7","8.12":"8.7"}');
    expect((await faultline(args('whole'))).code).toBe(0);
    expect(report()).toEqual(before);
  });
});

function storedSamples(outputs: string): number {
  if (!existsSync(database(outputs))) return 0;
  try {
    using store = Store.open(database(outputs), { readonly: true });
    const [experiment] = store.experiments();
    return experiment === undefined ? 0 : store.counts(experiment.id).samples;
  } catch {
    return 0; // still being created
  }
}
