/** No command's output replaces a database that the command does not read, a part of one, or a file of another kind; nor what it is made from. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { faultline, picoModel, root, scratchFolder, writeLines } from './faultline.js';

const folder = scratchFolder();
const file = (name: string): string => path.join(folder, name);
const db = file('read.db');
const other = file('other.db');
const name = 'kept';

beforeAll(async () => {
  const { code, err } = await faultline(
    ['run', '--num-problems', '2', '--samples', '2', '--experiment', name, '--db', db, '--outputs', file('outputs')],
    { cwd: folder },
  );
  expect(code, err).toBe(0);
  copyFileSync(db, other);
  cpSync(`${db}.shards`, `${other}.shards`, { recursive: true });
  symlinkSync('other.db', file('link.db'));
  writeFileSync(file('weights.gguf'), 'GGUF\u0003\0\0\0');
  writeLines(file('samples.jsonl'), [{ task_id: 'Pico/0', completion: '    return 1\n' }]);
}, 120_000);

/** Each command that writes a file where it is told to, by what it is called with. */
const COMMANDS: readonly (readonly [string, (out: string) => string[]])[] = [
  ['generate', (out) => ['generate', '--num-problems', '1', '--samples', '1', '--out', out]],
  ['execute', (out) => ['execute', '--problems', 'pico-tasks', '--samples', file('samples.jsonl'), '--out', out]],
  ['activations', (out) => ['activations', '--tokens', '1', '--hooks', 'logits', '--out', out]],
  ['analyze', (out) => ['analyze', '--db', db, '--output', out]],
  ['export', (out) => ['export', '--format', 'csv', '--db', db, '--output', out]],
  ['export of Parquet', (out) => ['export', '--format', 'parquet', '--db', db, '--output', out]],
];

/** The same of those that write files of fixed names into a folder: one of these names is the database's. */
const FOLDERS: readonly (readonly [string, string, (into: string) => string[]])[] = [
  ['report', path.join(name, 'report.json'), (into) => ['report', '--db', db, '--outputs', into]],
  ['report, of its samples', path.join(name, 'samples.jsonl'), (into) => ['report', '--db', db, '--outputs', into]],
  ['run, of its events', path.join(name, 'events.jsonl'), (into) => ['run', '--num-problems', '2', '--samples', '2', '--experiment', name, '--db', db, '--outputs', into]], // prettier-ignore
  ['import', path.join('made', 'report.html'), (into) => ['import', file('samples.jsonl'), '--problems', 'pico-tasks', '--experiment', 'made', '--db', file('made.db'), '--outputs', into]], // prettier-ignore
];

async function refused(args: string[], kept: string, reason: RegExp): Promise<void> {
  const before = existsSync(kept) ? readFileSync(kept) : null;
  const { code, out, err } = await faultline(args, { cwd: folder });
  expect([code, out], err).toEqual([2, '']);
  expect(err).toMatch(reason);
  expect(err).toMatch(/\nhint: .*(--out|--output|--outputs)\b/);
  expect(existsSync(kept) ? readFileSync(kept).equals(before!) : before).toBe(before === null ? null : true);
}

describe.each(COMMANDS)('faultline %s', (_, command) => {
  it('replaces no database that it does not read, nor what belongs to one', async () => {
    await refused(command(other), other, /error: .*other\.db: is a SQLite database, and would be replaced/);
    await refused(command(file('link.db')), other, /is a SQLite database, and would be replaced/);
    await refused(command(`${other}-wal`), `${other}-wal`, /belongs to the database .*other\.db, and would be replaced/);
    const shard = path.join(`${other}.shards`, 'experiment-1-000001.safetensors');
    expect(existsSync(shard)).toBe(true);
    await refused(command(shard), shard, /(is a safetensors file|belongs to the database .*other\.db), and would be replaced/);
  }, 60_000);

  it('replaces no file of another kind', async () => {
    await refused(command(file('weights.gguf')), file('weights.gguf'), /is a GGUF file, and would be replaced/);
  });
});

it.each(FOLDERS)(
  'faultline %s replaces no database among its outputs',
  async (what, place, command) => {
    const into = file(`in-${what.replaceAll(/\W+/g, '-')}`);
    const kept = path.join(into, place);
    mkdirSync(path.dirname(kept), { recursive: true });
    copyFileSync(other, kept);
    await refused(command(into), kept, /is a SQLite database, and would be replaced/);
    // The same command works once the cause is gone.
    renameSync(kept, file(`${what.replaceAll(/\W+/g, '-')}.db`));
    const again = await faultline(command(into), { cwd: folder });
    expect(again.code, again.err).toBe(0);
  },
  120_000,
);

it('faultline annotate draw and label replace no database', async () => {
  const into = file('labels');
  mkdirSync(into);
  copyFileSync(other, path.join(into, 'key.csv'));
  const draw = ['annotate', 'draw', '--db', db, '--n', '100', '--output', into];
  await refused(draw, path.join(into, 'key.csv'), /is a SQLite database, and would be replaced/);
  renameSync(path.join(into, 'key.csv'), file('moved.db'));
  const drawn = await faultline(draw, { cwd: folder });
  expect(drawn.code, drawn.err).toBe(0);
  const before = readFileSync(other);
  const label = await faultline(['annotate', 'label', path.join(into, 'blind.csv'), '--annotator', 'ann', '--output', other], {
    cwd: folder,
  });
  expect([label.code, label.out], label.err).toEqual([3, '']);
  expect(readFileSync(other).equals(before)).toBe(true);
});

it('import replaces neither its samples nor its problems by its report, and stores nothing before it says so', async () => {
  const into = file('imported');
  const place = (output: string): string => path.join(into, 'own', output);
  const database = file('imported.db');
  const command = (samples: string, set: string): string[] => ['import', samples, '--problems', set, '--experiment', 'own', '--db', database, '--outputs', into]; // prettier-ignore
  const first = await faultline(command(file('samples.jsonl'), 'pico-tasks'), { cwd: folder });
  expect(first.code, first.err).toBe(0);
  rmSync(database);
  for (const output of ['samples.jsonl', 'samples.jsonl_results.jsonl']) {
    await refused(command(place(output), 'pico-tasks'), place(output), /is an input of this command, and would be replaced/);
    using store = Store.open(database, { readonly: true });
    expect(store.experiments()).toEqual([]);
  }
  copyFileSync(path.join(root, 'data', 'problems', 'pico-tasks.jsonl'), place('report.json'));
  await refused(command(file('samples.jsonl'), place('report.json')), place('report.json'), /is an input of this command, and would be/);
}, 60_000);

it('a database in the place of any output is told of before anything is drawn, of a study before its first strategy begins', async () => {
  const into = file('before');
  const database = path.join(into, 'early', 'samples.csv');
  const run = ['run', '--num-problems', '2', '--samples', '2', '--experiment', 'early', '--db', database, '--outputs', into];
  const { code, out, err } = await faultline(run, { cwd: folder });
  expect([code, out], err).toEqual([2, '']);
  expect(err).toMatch(/samples\.csv: is the database that this command reads, and would be replaced/);
  {
    using store = Store.open(database, { readonly: true });
    expect(store.experiments()).toEqual([]);
  }
  writeFileSync(
    file('study.yaml'),
    'experiment: study\nsamples: 2\nproblems: { count: 2 }\nstrategies: { greedy: {}, hot: { temperature: 1.2 } }\n',
  );
  const last = path.join(into, 'study-hot', 'samples.csv');
  await refused(['run', file('study.yaml'), '--db', last, '--outputs', into], last, /study-hot: .*is the database that this command reads/);
  expect(existsSync(last)).toBe(false);
}, 60_000);

it('neither generate nor activations replaces a file of its model', async () => {
  const model = file('model');
  cpSync(picoModel, model, { recursive: true, filter: (source) => !source.includes('training') });
  for (const [args, kept] of [
    [['activations', '--model', model, '--tokens', '1', '--hooks', 'logits'], path.join(model, 'model.safetensors')],
    [['generate', '--model', model, '--num-problems', '1', '--samples', '1'], path.join(model, 'config.json')],
  ] as const) {
    await refused([...args, '--out', kept], kept, /is an input of this command, and would be replaced/);
  }
});
