/** `faultline analyze` on a small run: what it prints agrees with the database, and `--output` is a file that the schema describes, whole or not there. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { faultline, root, scratchFolder } from './faultline.js';

const folder = scratchFolder();
const db = path.join(folder, 'outputs', 'faultline.db');
const schema = JSON.parse(readFileSync(path.join(root, 'docs', 'analysis.schema.json'), 'utf8')) as Record<string, unknown>;
const validate = new Ajv2020({ allowUnionTypes: true }).compile(schema);

interface Document {
  readonly counts: { readonly counted: number; readonly passed: number };
  readonly feasibility: { readonly decision: string };
  readonly hidden_assertions: { problems: Record<string, number>; assertions: Record<string, number>; samples: number; missing: null };
  readonly programs: { readonly samples: number; readonly programs: number };
  readonly distributions: { dimension: string; groups: { samples: number }[]; missing: string | null }[];
  readonly first_divergence: { readonly failures: number; readonly missing: string | null };
}

interface Compared {
  readonly experiment: { readonly name: string };
  readonly by_setting: { readonly tables: { readonly setting: string; readonly groups: readonly object[] }[] };
}

beforeAll(async () => {
  const { code, err } = await faultline(['run', '--num-problems', '12', '--samples', '6'], { cwd: folder });
  expect(code, err).toBe(0);
}, 120_000);

describe('faultline analyze', () => {
  it('writes what --json prints, and the schema describes it', async () => {
    const file = path.join(folder, 'feasibility_report.json');
    const { code, out, err } = await faultline(['analyze', '--db', db, '--output', file, '--json']);
    expect([code, err]).toEqual([0, '']);
    const document = JSON.parse(readFileSync(file, 'utf8')) as Document;
    expect(document).toEqual(JSON.parse(out));
    validate(document);
    expect(validate.errors).toBeNull();
    expect(document).toMatchObject({ schema: 'faultline.analysis', version: 1, counts: { counted: 72 }, programs: { samples: 72 } });
  });

  it('agrees with the database', async () => {
    const { out } = await faultline(['analyze', '--db', db, '--json']);
    const document = JSON.parse(out) as Document;
    using store = Store.open(db, { readonly: true });
    const { id } = store.experiments()[0]!;
    const marks = store.assertionMarks(id);
    expect(marks).toHaveLength(12);
    const sum = (of: (mark: (typeof marks)[number]) => number): number => marks.reduce((total, mark) => total + of(mark), 0);
    expect(document.hidden_assertions).toMatchObject({
      problems: { all: 12, marked: 12 },
      assertions: { total: sum(({ total }) => total!), visible: sum(({ visible }) => visible.length) },
      samples: 72,
      missing: null,
    });
    const judged = [...store.judgedSamples(id)];
    expect(document.programs.programs).toBe(new Set(judged.map(({ taskId, completion }) => `${taskId}\n${completion}`)).size);
    expect(document.first_divergence.failures).toBe(judged.filter(({ outcome }) => outcome !== 'pass').length);
    for (const { dimension, groups, missing } of document.distributions) {
      if (missing === null)
        expect(
          groups.reduce((total, { samples }) => total + samples, 0),
          dimension,
        ).toBe(72);
      else expect(['strategy', 'temperature']).toContain(dimension);
    }
  });

  it('says for people what stands in the file, and what has one value only', async () => {
    const file = path.join(folder, 'again.json');
    const { code, out } = await faultline(['analyze', '--db', db, '--output', file]);
    expect(code).toBe(0);
    for (const line of [
      /^hidden assertions: the prompts of \d+ of 12 problems show \d+ of their \d+ assertions/m,
      /^programs: \d+ distinct ones of 72 samples/m,
      /^by difficulty\ndifficulty +samples +problems +pass .* crash .* tokens +run +s +most frequent failure$/m,
      /^by strategy: all samples have one strategy: nucleus$/m,
      /^by temperature: all samples have one temperature: 0\.8$/m,
      /^first token that leaves every passing sibling/m,
    ])
      expect(out).toMatch(line);
    expect(out.trimEnd().endsWith(`analysis: ${file}`)).toBe(true);
  });

  it('leaves an older file as it is where it cannot write', async () => {
    const place = path.join(folder, 'place');
    mkdirSync(place);
    for (const target of [place, path.join(folder, 'no', 'such', 'folder.json')]) {
      const { code, out, err } = await faultline(['analyze', '--db', db, '--output', target]);
      expect([code, out]).toEqual([5, '']);
      expect(err).toMatch(/^error: .*cannot be written: .*\nhint: /);
    }
    expect(readdirSync(place)).toEqual([]);
    const kept = path.join(folder, 'kept.json');
    writeFileSync(kept, 'older');
    expect((await faultline(['analyze', '--db', path.join(folder, 'none.db'), '--output', kept])).code).toBe(3);
    expect(readFileSync(kept, 'utf8')).toBe('older');
  });

  it('never replaces the database, nor what belongs to it', async () => {
    const before = readFileSync(db);
    const shards = readdirSync(`${db}.shards`).sort();
    const link = path.join(folder, 'link.db');
    symlinkSync(db, link);
    for (const target of [db, link, `${db}-wal`, `${db}-shm`, ...shards.map((name) => path.join(`${db}.shards`, name))]) {
      const { code, out, err } = await faultline(['analyze', '--db', db, '--output', target]);
      expect([code, out], target).toEqual([2, '']);
      expect(err).toMatch(
        /^error: .*: (is the database|belongs to the database .*) that this command reads, and would be replaced\nhint: .*--output/,
      );
    }
    expect(readFileSync(db).equals(before)).toBe(true);
    expect(readdirSync(`${db}.shards`).sort()).toEqual(shards);
    expect([`${db}-wal`, `${db}-shm`].filter((file) => existsSync(file))).toEqual([]);
  });

  it('tells all the rest where the files of tokens are missing', async () => {
    const shards = `${db}.shards`;
    renameSync(shards, `${shards}.away`);
    try {
      const { code, out, err } = await faultline(['analyze', '--db', db, '--json']);
      expect([code, err]).toEqual([0, '']);
      const document = JSON.parse(out) as Document;
      expect(document.first_divergence.missing).toMatch(/token arrays cannot be read/);
      expect(validate(document)).toBe(true);
    } finally {
      renameSync(`${shards}.away`, shards);
    }
    expect(existsSync(shards)).toBe(true);
  });
});

describe('faultline analyze of several experiments', () => {
  const SIZE = ['--num-problems', '6', '--samples', '4'];
  const both = path.join(folder, 'both.db');
  const analyze = (...args: string[]): ReturnType<typeof faultline> => faultline(['analyze', '--db', both, ...args]);

  beforeAll(async () => {
    for (const [name, temperature] of [
      ['hot', '1.2'],
      ['cool', '0.4'],
    ] as const) {
      const { code, err } = await faultline(['run', ...SIZE, '--experiment', name, '--temperature', temperature, '--db', both], { cwd: folder }); // prettier-ignore
      expect(code, err).toBe(0);
    }
  }, 120_000);

  it('compares them by temperature, as the database counts, and as the schema describes', async () => {
    const file = path.join(folder, 'compared.json');
    const { code, out, err } = await analyze('--experiment', 'hot,cool', '--json', '--output', file);
    expect([code, err]).toEqual([0, '']);
    const document = JSON.parse(out) as Compared;
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(document);
    validate(document);
    expect(validate.errors).toBeNull();
    expect(document.experiment.name).toBe('hot');
    expect(document.by_setting).toMatchObject({
      experiments: [{ label: 'hot' }, { label: 'cool' }],
      problems: { compared: 6, not_in_all: 0, changed: 0, not_judged: 0 },
      differing: [{ key: 'strategy.temperature', values: ['1.2', '0.4'] }],
    });
    using store = Store.open(both, { readonly: true });
    const passed = (name: string): number =>
      [...store.judgedSamples(store.findExperiment(name)!.id)].filter(({ outcome }) => outcome === 'pass').length;
    const temperatures = document.by_setting.tables.find(({ setting }) => setting === 'temperature')!;
    expect(temperatures).toMatchObject({
      also_differ: [],
      groups: [
        { value: '0.4', experiments: ['cool'], samples: 24, pass: { value: passed('cool') / 24 } },
        { value: '1.2', experiments: ['hot'], samples: 24, pass: { value: passed('hot') / 24 } },
      ],
    });
  });

  it('says the same for people, also where the flag is repeated', async () => {
    const { code, out } = await analyze('--experiment', 'hot,cool');
    expect(code).toBe(0);
    for (const line of [
      /^hot, cool: compared on the 6 problems that all of them have$/m,
      /^strategy\.temperature +1\.2 +0\.4$/m,
      /^by experiment\nexperiment +samples +problems +pass /m,
      /^by strategy: all samples have one strategy: nucleus$/m,
      /^by temperature\n.*\n0\.4 \(cool\) +24 +6 .*\n1\.2 \(hot\) +24 +6 /m,
      /^hot +\d \w+ +\d+ /m,
      /^warning: 6 problems in all of them/m,
    ])
      expect(out).toMatch(line);
    expect((await analyze('--experiment', 'hot', '--experiment', 'cool')).out).toBe(out);
  });

  it('names what there is where a name is wrong, and refuses one twice or empty', async () => {
    const missing = await analyze('--experiment', 'hot,tepid');
    expect([missing.code, missing.out]).toEqual([3, '']);
    expect(missing.err).toMatch(/holds no experiment tepid\nhint: There are: hot, cool\./);
    for (const names of ['hot,cool,hot', 'hot,']) {
      const { code, out, err } = await analyze('--experiment', names);
      expect([code, out], names).toEqual([2, '']);
      expect(err).toMatch(/^error: --experiment .*\nhint: /);
    }
  });
});
