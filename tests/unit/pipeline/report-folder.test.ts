/** Where reports go: no experiment's report takes the place of another one's. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultValues } from '../../../src/config/defaults.js';
import type { ConfigValues } from '../../../src/config/schema.js';
import { reportStored } from '../../../src/pipeline/analyze.js';
import { Progress } from '../../../src/pipeline/progress.js';
import { checkOutputs, outputFolder } from '../../../src/pipeline/report.js';
import { Store } from '../../../src/store/store.js';
import { execution, manifest, problems, sample } from '../store/rows.js';

let folder: string;
let values: ConfigValues;
const [old, other, newer] = ['a', 'b', 'c'].map((digit) => manifest({ hash: digit.repeat(64), name: digit === 'b' ? 'other' : 'demo' }));

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-reports-'));
  values = { ...defaultValues(), 'outputs.directory': folder, 'outputs.database': path.join(folder, 'all.db') };
  using store = Store.open(values['outputs.database']!);
  for (const each of [old!, other!, newer!]) store.beginExperiment(each);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('the newest of a name has the folder of that name, and an older one a folder of its own', async () => {
  const written = [];
  for (const name of [undefined, 'other', 'demo', old!.hash, 'aaaaaa']) {
    const { directory, files } = await reportStored(values, name, { signal: new AbortController().signal });
    expect(files.every((file) => file.startsWith(`${directory}${path.sep}`))).toBe(true);
    written.push(path.relative(folder, directory));
  }
  expect(written).toEqual(['demo', 'other', 'demo', 'demo@aaaaaaaaaaaa', 'demo@aaaaaaaaaaaa']);
  const hashes = ['demo', 'other', 'demo@aaaaaaaaaaaa'].map((name) => {
    const report = JSON.parse(readFileSync(path.join(folder, name, 'report.json'), 'utf8')) as { experiment: { hash: string } };
    return report.experiment.hash;
  });
  expect(hashes).toEqual([newer!.hash, other!.hash, old!.hash]);
});

it('an experiment that is yet to begin has the folder of its name', () => {
  using store = Store.open(values['outputs.database']!);
  expect(outputFolder(store, values, { name: 'demo', hash: 'd'.repeat(64) })).toBe(path.join(folder, 'demo'));
  expect(outputFolder(store, values, { name: 'new', hash: 'd'.repeat(64) })).toBe(path.join(folder, 'new'));
  expect(outputFolder(store, values, newer!)).toBe(path.join(folder, 'demo'));
  expect(outputFolder(store, values, old!)).toBe(path.join(folder, 'demo@aaaaaaaaaaaa'));
});

it('tells of a merged part that another device, family or version made, and not of one under another instruction set', async () => {
  const parts = ['a CPU (fma on avx512)', 'a CPU (fma on avx2)', 'another CPU (fma on avx2)', 'a CPU (fma-2 on avx2)'];
  const lines = parts.map((part) => `all of it from a.db: cpu, ${part}, faultline ${newer!.version}, calibration 1`);
  {
    using store = Store.open(values['outputs.database']!);
    const { id } = store.findExperiment(newer!.hash)!;
    for (const line of lines) store.addNote(id, 'merge', line);
  }
  const { directory } = await reportStored(values, newer!.hash, { signal: new AbortController().signal });
  const report = JSON.parse(readFileSync(path.join(directory, 'report.json'), 'utf8')) as { experiment: { other_machines: string[] } };
  expect(report.experiment.other_machines).toEqual(lines.slice(2));
});

it('lists every sample, and the results of those that have one, also where a later one has and an earlier has not', async () => {
  const rows = problems(3);
  const judged = (problem: number, index: number): boolean => (problem + index) % 2 === 1 || problem === 2;
  {
    using store = Store.open(values['outputs.database']!);
    const { id } = store.findExperiment(newer!.hash)!;
    store.addProblems(id, rows);
    for (const [number, problem] of rows.entries()) {
      store.addSamples(id, [0, 1, 2, 3].map((index) => sample(problem, index))); // prettier-ignore
      store.addExecutions(id, [0, 1, 2, 3].filter((index) => judged(number, index)).map((index) => execution(problem, index))); // prettier-ignore
    }
  }
  const { directory } = await reportStored(values, newer!.hash, { signal: new AbortController().signal });
  const lines = (name: string): Record<string, unknown>[] =>
    readFileSync(path.join(directory, name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const keys = rows.flatMap(({ taskId }, number) => [0, 1, 2, 3].map((index) => ({ taskId, number, index })));
  const samples = lines('samples.jsonl');
  expect(samples.map((line) => [line['task_id'], line['sample_index']])).toEqual(keys.map(({ taskId, index }) => [taskId, index]));
  const results = lines('samples.jsonl_results.jsonl');
  const withResult = keys.filter(({ number, index }) => judged(number, index));
  expect(withResult.length).toBe(8);
  expect(results.map((line) => [line['task_id'], line['sample_index']])).toEqual(withResult.map(({ taskId, index }) => [taskId, index]));
  for (const line of results) {
    const own = samples.find((each) => each['task_id'] === line['task_id'] && each['sample_index'] === line['sample_index']);
    expect(line).toMatchObject(own!);
    expect(line).toHaveProperty('passed');
  }
});

it('stopped at a line of any file of samples, a report leaves all files as they were', async () => {
  const [problem] = problems(1);
  const add = (indices: number[]): void => {
    using store = Store.open(values['outputs.database']!);
    const { id } = store.findExperiment(newer!.hash)!;
    store.addProblems(id, [problem!]);
    store.addSamples(id, indices.map((index) => sample(problem!, index))); // prettier-ignore
    store.addExecutions(id, indices.map((index) => execution(problem!, index))); // prettier-ignore
  };
  const contents = (directory: string): Map<string, string> =>
    new Map(
      readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .map((file) => [path.relative(directory, file), readFileSync(file, 'latin1')]),
    );
  add([0, 1]);
  const { directory } = await reportStored(values, newer!.hash, { signal: new AbortController().signal });
  const before = contents(directory);
  add([2, 3, 4, 5]);
  for (const name of ['samples.csv', 'samples.jsonl']) {
    const stop = new AbortController();
    const progress = new Progress({ write: () => true });
    const through = progress.through.bind(progress);
    progress.through = function* <T>(label: string, total: number | null, items: Iterable<T>) {
      let seen = 0;
      for (const item of through(label, total, items)) {
        yield item;
        if (label !== name || ++seen !== 2) continue;
        stop.abort(new Error(`stopped in ${name}`));
        // A pause is due once the last one is long ago.
        const until = performance.now() + 50;
        while (performance.now() < until);
      }
    };
    await expect(reportStored(values, newer!.hash, { signal: stop.signal, progress })).rejects.toThrow(`stopped in ${name}`);
    expect(contents(directory), name).toEqual(before);
  }
  const { files } = await reportStored(values, newer!.hash, { signal: new AbortController().signal });
  const after = contents(directory);
  expect(files.map((file) => path.relative(directory, file)).sort()).toEqual([...after.keys()].sort());
  for (const name of ['report.json', 'samples.csv', 'samples.jsonl', 'samples.jsonl_results.jsonl']) {
    expect(after.get(name), name).not.toBe(before.get(name));
  }
});

it('what a report may not replace is told from the names alone, and nothing is made', async () => {
  const directory = path.join(folder, 'new');
  const database = values['outputs.database']!;
  await checkOutputs(directory, database, [path.join(folder, 'absent')]);
  expect(readdirSync(folder)).not.toContain('new');
  for (const name of [
    'samples.csv',
    'samples.jsonl_results.jsonl',
    path.join('figures', 'pass-at-k.pdf'),
    path.join('tables', 'outcomes.csv'),
  ]) {
    const place = path.join(directory, name);
    await expect(checkOutputs(directory, place), name).rejects.toThrow('is the database that this command reads');
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, '');
    await expect(checkOutputs(directory, database, [place]), name).rejects.toThrow('is an input of this command, and would be replaced');
    rmSync(place);
    mkdirSync(place);
    await expect(checkOutputs(directory, database), name).rejects.toMatchObject({ kind: 'output', message: `${place}: cannot write the report: is a folder` }); // prettier-ignore
    rmSync(directory, { recursive: true });
  }
});

it('no report takes the place of its own database', async () => {
  for (const name of ['report.json', 'samples.jsonl', path.join('tables', 'categories.csv')]) {
    const place = path.join(folder, 'demo', name);
    mkdirSync(path.dirname(place), { recursive: true });
    copyFileSync(values['outputs.database']!, place);
    const before = readFileSync(place);
    await expect(
      reportStored({ ...values, 'outputs.database': place }, 'demo', { signal: new AbortController().signal }),
      name,
    ).rejects.toThrow('is the database that this command reads');
    expect(readFileSync(place).equals(before), name).toBe(true);
    rmSync(place);
  }
  expect(readdirSync(path.join(folder, 'demo')).filter((name) => !['tables'].includes(name))).toEqual([]);
});
