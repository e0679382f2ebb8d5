/** `faultline run` on a config that compares strategies: killed in the middle, resumed, in shards; its numbers are those of `analyze` and `diff`. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { faultline, finished, root, scratchFolder, start, until } from './faultline.js';

const folder = scratchFolder();
const config = path.join(folder, 'study.yaml');
const EXPERIMENTS = ['study-greedy', 'study-cool', 'study-hot'];
const PROBLEMS = 5;
/** Of a problem: so many that the second strategy's come in two batches of the store at least, and a run can be killed between two. */
const SAMPLES = 24;
const COOL = SAMPLES * PROBLEMS;

writeFileSync(
  config,
  `experiment: study
samples: ${SAMPLES}
max_new_tokens: 64
problems: { count: ${PROBLEMS} }
strategies:
  greedy: { name: greedy }
  cool: { temperature: 0.4 }
  hot: { temperature: 1.2, samples: 6 }
`,
);
const run = (name: string, ...more: string[]) => ['run', config, '--outputs', path.join(folder, name), ...more];
const database = (name: string) => path.join(folder, name, 'faultline.db');
/** One sample at a time; it changes no result. */
const slowly = ['--batch', '1', '--threads', '1'];
/** Loaded before the command: kill -9 once the file of the second strategy's second batch is on disk, and before its row is in the database. */
const dying = path.join(folder, 'dying.mjs');
writeFileSync(
  dying,
  `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const { renameSync } = fs;
let batches = 0;
fs.renameSync = (from, to) => {
  renameSync(from, to);
  if (/experiment-2-\\d+\\.safetensors$/.test(String(to)) && ++batches === 2) process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();
`,
);

function stored<T>(file: string, read: (store: Store) => T): T {
  using store = Store.open(file, { readonly: true });
  return read(store);
}
const names = (file: string) => stored(file, (store) => store.experiments().map(({ name }) => name));
const digests = (file: string) =>
  stored(file, (store) => Object.fromEntries(store.experiments().map(({ id, name }) => [name, store.resultDigest(id)])));
/** Samples of the experiments, in the order in which they began; empty while the database is being made. */
function samples(file: string): number[] {
  if (!existsSync(file)) return [];
  try {
    return stored(file, (store) => store.experiments().map(({ id }) => store.counts(id).samples));
  } catch {
    return [];
  }
}

interface Document {
  readonly database: string;
  readonly files: readonly string[];
  readonly strategies: readonly {
    readonly strategy: string;
    readonly generated: number;
    readonly executed: number;
    readonly files: string[];
    readonly estimate: unknown;
  }[];
  readonly comparison: { readonly by_setting: { readonly tables: readonly { readonly groups: readonly Group[] }[] } };
  readonly differences: { readonly pairs: readonly object[]; readonly tests: readonly Test[] };
}
interface Group {
  readonly value: string;
  readonly samples: number;
  readonly pass: { readonly value: number };
  readonly crash: { readonly value: number };
  readonly costs: object;
  readonly hidden_assertions: { readonly missing: string | null; readonly pass_at_k: readonly object[] };
  readonly programs: { readonly programs: number };
}
interface Test {
  readonly experiment: string;
  readonly rate: string;
  readonly second: { readonly share: number };
}

const read = (name: string): unknown => JSON.parse(readFileSync(path.join(root, 'docs', name), 'utf8'));
const ajv = new Ajv2020({ allowUnionTypes: true });
ajv.addSchema(read('analysis.schema.json') as object, 'analysis.schema.json');
const validate = ajv.compile(read('strategies.schema.json') as object);

let whole: Document;
beforeAll(async () => {
  const { code, out, err } = await faultline(run('whole', '--json'));
  expect(code, err).toBe(0);
  whole = JSON.parse(out) as Document;
}, 120_000);

describe('strategies of one config', () => {
  it('are experiments of one database, greedy ones with one sample of a problem', () => {
    expect(names(database('whole'))).toEqual(EXPERIMENTS);
    expect(samples(database('whole'))).toEqual([PROBLEMS, COOL, 6 * PROBLEMS]);
    expect(whole.strategies.map(({ strategy, generated, executed }) => [strategy, generated, executed])).toEqual([
      ['greedy', 5, 5],
      ['cool', COOL, COOL],
      ['hot', 30, 30],
    ]);
    expect(stored(database('whole'), (store) => new Set(store.experiments().map(({ seed }) => seed)))).toEqual(new Set(['1']));
    for (const { files } of whole.strategies) expect(files.some((file) => file.endsWith('report.html'))).toBe(true);
  });

  it('are told of in one document that the schema describes', () => {
    validate(whole);
    expect(validate.errors).toBeNull();
    expect(whole).toMatchObject({ schema: 'faultline.strategies', version: 1, experiment: 'study', estimate: null });
  });

  it('are compared as `analyze` and `diff` compare them', async () => {
    const analyzed = await faultline(['analyze', '--db', database('whole'), '--experiment', EXPERIMENTS.join(','), '--json']);
    expect(analyzed.code, analyzed.err).toBe(0);
    expect(whole.comparison).toEqual(JSON.parse(analyzed.out));
    const groups = whole.comparison.by_setting.tables[0]!.groups;
    expect(groups.map(({ value, samples: count }) => [value, count])).toEqual(EXPERIMENTS.map((name, i) => [name, [5, COOL, 30][i]]));
    for (const [index, other] of EXPERIMENTS.slice(1).entries()) {
      const differed = await faultline(['diff', EXPERIMENTS[0]!, other, '--db', database('whole'), '--json']);
      expect(whole.differences.pairs[index]).toEqual(JSON.parse(differed.out));
      // And both say the same of one experiment.
      const { pass, crash } = groups.find(({ value }) => value === other)!;
      const shares = whole.differences.tests
        .filter(({ experiment }) => experiment === other)
        .map(({ rate, second }) => [rate, second.share]);
      expect(shares).toEqual([
        ['pass', pass.value],
        ['crash rate', crash.value],
        ['hidden pass', expect.any(Number)],
      ]);
    }
  });

  it('are compared on the hidden assertions alone, and over distinct programs', () => {
    const { groups } = whole.comparison.by_setting.tables[0]!;
    for (const { hidden_assertions: hidden, programs, samples: count } of groups) {
      expect(hidden.missing).toBeNull();
      expect(hidden.pass_at_k[0]).toMatchObject({ k: 1 });
      expect(programs.programs).toBeLessThanOrEqual(count);
    }
    // Cool samples repeat each other, one greedy sample of a problem cannot.
    expect(groups[0]!.programs.programs).toBe(groups[0]!.samples);
    expect(groups[1]!.programs.programs).toBeLessThan(groups[1]!.samples);
    expect(new Set(whole.differences.tests.map(({ rate }) => rate))).toEqual(new Set(['pass', 'crash rate', 'hidden pass']));
  });

  it('leave the comparison as a page, JSON, CSV, LaTeX and a figure in a folder of its own', () => {
    // Beside the report that an experiment called `study` would have.
    expect(readdirSync(path.join(folder, 'whole', 'study'))).toEqual(['comparison']);
    const directory = path.join(folder, 'whole', 'study', 'comparison');
    expect(readdirSync(directory).sort()).toEqual(['comparison.html', 'comparison.json', 'differences.json', 'figures', 'tables']);
    const tables = ['strategies', 'strategy-failures', 'strategy-programs', 'strategy-tests'].flatMap((name) => [
      `${name}.csv`,
      `${name}.tex`,
    ]);
    expect(readdirSync(path.join(directory, 'tables')).sort()).toEqual(tables.sort());
    expect([...whole.files].sort()).toEqual(
      [
        ...['comparison.html', 'comparison.json', 'differences.json', ...tables.map((name) => path.join('tables', name))],
        ...['strategies.pdf', 'strategies.svg'].map((name) => path.join('figures', name)),
      ]
        .map((name) => path.join(directory, name))
        .sort(),
    );
    expect(JSON.parse(readFileSync(path.join(directory, 'comparison.json'), 'utf8'))).toEqual(whole.comparison);
    expect(JSON.parse(readFileSync(path.join(directory, 'differences.json'), 'utf8'))).toEqual(whole.differences);
    const [head, ...rows] = readFileSync(path.join(directory, 'tables', 'strategies.csv'), 'utf8')
      .trimEnd()
      .split('\r\n');
    const columns = head!.split(',');
    const cell = (row: string, name: string) => row.split(',')[columns.indexOf(name)];
    expect(
      rows.filter((row) => cell(row, 'setting') === 'experiment').map((row) => [cell(row, 'value'), Number(cell(row, 'pass'))]),
    ).toEqual(whole.comparison.by_setting.tables[0]!.groups.map(({ value, pass }) => [value, pass.value]));
  });

  it('go on after kill -9 in the middle of the second, and end in the same results', async () => {
    const { signal, err } = await faultline(run('killed'), { env: { NODE_OPTIONS: `--import=${pathToFileURL(dying).href}` } });
    expect(signal, err).toBe('SIGKILL');
    const kept = samples(database('killed'));
    expect(kept).toHaveLength(2);
    expect(kept[0]).toBe(PROBLEMS);
    expect(kept[1]).toBeGreaterThan(0);
    expect(kept[1]).toBeLessThan(COOL);

    const again = await faultline(run('killed', '--json'));
    expect(again.code, again.err).toBe(0);
    const document = JSON.parse(again.out) as Document;
    expect(document.strategies.map(({ generated }) => generated)).toEqual([0, COOL - kept[1]!, 6 * PROBLEMS]);
    expect(digests(database('killed'))).toEqual(digests(database('whole')));
    // Times apart, which differ from run to run, the comparison is the same to the last digit.
    const timeless = (found: Document): unknown =>
      JSON.parse(JSON.stringify(found.comparison.by_setting, (key, value: unknown) => (/_seconds$/.test(key) ? 0 : value)));
    expect(timeless(document)).toEqual(timeless(whole));
    expect(document.differences.tests).toEqual(whole.differences.tests);
  });

  it('stop at Ctrl-C with the experiment and the command that goes on', async () => {
    // Far more than can be drawn before the signal is heard.
    const child = start(run('stopped', ...slowly, '--samples', '5000', '--only', 'generate'));
    const end = finished(child);
    await until('the second strategy has samples', child, () => (samples(database('stopped'))[1] ?? 0) > 0);
    child.kill('SIGINT');
    const { code, out, err } = await end;
    expect([code, out]).toEqual([130, '']);
    expect(err).toMatch(
      /error: study-cool: stopped; \d+ of 25000 samples and 0 verdicts are kept\nhint: Continue with: faultline run .*study\.yaml /,
    );
  });

  it('say what is done the second time, and print it for people', async () => {
    const { code, out, err } = await faultline(run('whole'));
    expect(code, err).toBe(0);
    expect(err.match(/^strategy .*$/gm)).toEqual([
      'strategy greedy, 1 of 3: study-greedy',
      'strategy cool, 2 of 3: study-cool',
      'strategy hot, 3 of 3: study-hot',
    ]);
    expect(err.match(/^generate: .*$/gm)).toEqual(['5', '120', '30'].map((n) => `generate: 0 samples drawn, ${n} were there`));
    for (const line of [
      /^study-greedy, study-cool, study-hot: compared on the 5 problems that all of them have$/m,
      /^0 \(study-greedy\) /m,
      /^each against study-greedy, over the problems that both have;/m,
      /^study-hot +crash rate +[\d.]+ % +[\d.]+ % /m,
      /^report: .*study-cool\/report\.html$/m,
      /^comparison: .*\/whole\/study\/comparison\/comparison\.html$/m,
    ])
      expect(out).toMatch(line);
  });

  it('are done in stages and in shards, which merge to the same results', async () => {
    for (const shard of ['0/2', '1/2']) {
      const part = ['--shard', shard, '--db', path.join(folder, `part${shard[0]!}.db`)];
      const { code, out, err } = await faultline([...run('parts', ...part, '--only', 'generate,execute'), '--json']);
      expect(code, err).toBe(0);
      const document = JSON.parse(out) as Document;
      expect(document).toMatchObject({ comparison: null, differences: null, directory: null, files: [] });
      validate(document);
      expect(validate.errors).toBeNull();
    }
    const part = await faultline(run('parts', '--db', path.join(folder, 'part1.db'), '--from', 'classify', '--json'));
    expect(part.code, part.err).toBe(0);
    expect(JSON.parse(part.out)).toMatchObject({
      comparison: null,
      differences: null,
      directory: null,
      files: [],
      strategies: [{}, {}, {}],
    });
    expect(part.err).toContain('no comparison: the database holds shard 1/2 of study-greedy; join all shards with `faultline merge`');
    const done = await faultline(run('parts', '--db', path.join(folder, 'part0.db'), '--only', 'generate'));
    expect(done.out).toMatch(/^study-greedy: 3 samples and 3 verdicts in .*\nstudy-cool: 72 samples and 72 verdicts in .*\nstudy-hot: /);
    const merged = path.join(folder, 'merged.db');
    const parts = [0, 1].map((i) => path.join(folder, `part${i}.db`));
    expect((await faultline(['merge', ...parts, '--output', merged])).code).toBe(0);
    expect(digests(merged)).toEqual(digests(database('whole')));
    const reported = await faultline(run('parts', '--db', merged, '--only', 'measure,report'));
    expect(reported.code, reported.err).toBe(0);
    expect(reported.out).toContain('each against study-greedy');
  });
});

describe('a config of names that are there', () => {
  it('takes the folder of the comparison, and an older one that is run again has its own', async () => {
    const comparison = path.join(folder, 'twice', 'study', 'comparison');
    const little = (seed: string) => run('twice', '--num-problems', '1', '--samples', '1', '--seed', seed, '--json');
    const directories: string[] = [];
    for (const seed of ['1', '2', '1']) {
      const { code, out, err } = await faultline(little(seed));
      expect(code, err).toBe(0);
      directories.push((JSON.parse(out) as { directory: string }).directory);
    }
    expect(directories.slice(0, 2)).toEqual([comparison, comparison]);
    expect(directories[2]).toMatch(/\/twice\/study\/comparison@[0-9a-f]{12}$/);
    const first = (directory: string): unknown => JSON.parse(readFileSync(path.join(directory, 'differences.json'), 'utf8'));
    expect(first(directories[2]!)).not.toEqual(first(comparison));
  });
});

describe('an estimate of strategies', () => {
  it('is the sum and each, and makes nothing', async () => {
    const { code, out, err } = await faultline(run('estimated', '--only', 'generate', '--estimate'));
    expect(code, err).toBe(0);
    expect(out).toMatch(
      /^estimate: at most .*, memory up to .*, disk .* free\n {2}greedy: at most .* \(generate .*\); .*\n {2}cool: .*\n {2}hot: .*\n$/,
    );
    expect(existsSync(path.join(folder, 'estimated'))).toBe(false);
    const drawn = await faultline(run('whole', '--only', 'generate', '--estimate', '--json'));
    expect(JSON.parse(drawn.out)).toEqual({ estimate: null });
    // What is decided and reported each time is what is left of a finished one.
    const { out: left } = await faultline(run('whole', '--estimate', '--json'));
    const rest = JSON.parse(left) as { estimate: { strategies: { estimate: { stages: { stage: string }[] } }[] } };
    expect(rest.estimate.strategies.map(({ estimate }) => estimate.stages.map(({ stage }) => stage))).toEqual(
      Array.from({ length: 3 }, () => ['classify', 'report']),
    );
  });

  it('comes before the first strategy where there is much to do, with its parts in the JSON', async () => {
    const long = run('long', '--samples', '40', '--only', 'generate', '--json');
    const { code, out, err } = await faultline(long);
    expect(code, err).toBe(0);
    expect(err).toMatch(/^estimate: at most .*\n {2}cool: .*\n {2}hot: .*\nstrategy greedy, 1 of 3/);
    const document = JSON.parse(out) as Document;
    // Measured and told once, not by each again.
    expect(err.match(/^estimate: /gm)).toHaveLength(1);
    const { estimate, strategies } = document as Document & {
      readonly estimate: { readonly strategies: readonly { estimate: unknown }[] };
    };
    expect(strategies.map((each) => each.estimate)).toEqual(estimate.strategies.map((each) => each.estimate));
    expect(document).toMatchObject({
      estimate: {
        strategies: [{ strategy: 'greedy', estimate: null }, { strategy: 'cool', estimate: { stages: [{ stage: 'generate' }] } }, {}],
      },
      strategies: [{ generated: PROBLEMS }, { generated: 40 * PROBLEMS }, { generated: 40 * PROBLEMS }],
    });
    validate(document);
    expect(validate.errors).toBeNull();
  });
});

describe('what cannot work', () => {
  const study = (name: string, text: string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  };

  it('is told before the first strategy starts', async () => {
    const late = study(
      'late.yaml',
      'samples: 2\nmodel: { device: cpu, batch: 60000 }\nstrategies:\n  greedy: {name: greedy}\n  huge: {samples: 60000}\n',
    );
    const args = ['run', late, '--num-problems', '1', '--memory', '32MiB', '--outputs', path.join(folder, 'late')];
    const { code, out, err } = await faultline([...args, '--only', 'generate']);
    expect([code, out]).toEqual([4, '']);
    expect(err).toContain('-huge: ');
    expect(existsSync(path.join(folder, 'late', 'faultline.db'))).toBe(false);
  });

  it.each([
    [
      ['generate', config, '--out', 'x.jsonl'],
      `${config}:5:1: strategies: this config compares several strategies, and one experiment is wanted here`,
    ],
    [['execute', config, '--samples', 'x', '--out', 'y'], 'one experiment is wanted here'],
    [['run', config, '--temperature', '0.5'], `${config}:5:1: strategies: --temperature sets strategy.temperature`],
    [['run', config, '--strategy', 'greedy'], 'strategies: --strategy sets strategy.name'],
  ])('%j is refused', async (args, message) => {
    const { code, out, err } = await faultline(args, { cwd: folder });
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).toMatch(/\nhint: .+\n$/);
  });

  it('names the experiment that lacks what a stage needs', async () => {
    const { code, err } = await faultline(run('lacking', '--only', 'report'));
    expect([code, err]).toEqual([3, expect.stringContaining('study-greedy: ')]);
    expect(err).toContain('the stage report needs decisions');
  });

  it('keeps a database that stands where the comparison would', async () => {
    const place = path.join(folder, 'inside', 'study', 'comparison');
    mkdirSync(place, { recursive: true });
    const args = run('inside', '--num-problems', '2', '--samples', '1', '--db', path.join(place, 'comparison.json'));
    const { code, err } = await faultline(args);
    expect([code, err]).toEqual([2, expect.stringContaining('is the database that this command reads, and would be replaced')]);
    expect(readdirSync(place)).toEqual([]);
  });
});
