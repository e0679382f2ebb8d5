/** What bad input gets: one line with place and reason, one with the next step, the documented exit code, nothing half-written. */
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { faultline, picoModel, root, scratchFolder, start, writeLines } from './faultline.js';

const folder = scratchFolder();
const file = (name: string) => path.join(folder, name);
const problem = {
  task_id: 'Bad/0',
  prompt: 'def f(x):\n',
  entry_point: 'f',
  canonical_solution: '    return x\n',
  test: 'def check(candidate):\n    assert candidate(1) == 1\n',
};
const problems = writeLines(file('good.jsonl'), [problem]);
const samples = writeLines(file('samples.jsonl'), [{ task_id: 'Bad/0', completion: '    return x\n' }]);

/** A copy of the bundled model, to be damaged. */
function model(name: string, damage: (weights: string) => void): string {
  const copy = file(name);
  cpSync(picoModel, copy, { recursive: true, filter: (source) => !source.includes('training') });
  damage(path.join(copy, 'model.safetensors'));
  return copy;
}

/** safetensors with its header changed; the length field follows. */
function withHeader(
  weights: string,
  change: (header: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>) => void,
): void {
  const bytes = readFileSync(weights);
  const size = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + size).toString()) as Parameters<typeof change>[0];
  change(header);
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(weights, Buffer.concat([length, text, bytes.subarray(8 + size)]));
}

const out = file('never.out');
async function refused(args: readonly string[], env: Record<string, string> = {}) {
  const before = readdirSync(folder, { recursive: true }).length;
  const { code, out: printed, err } = await faultline(args, { env, cwd: folder });
  const lines = err.trim().split('\n');
  expect(printed, 'standard output').toBe('');
  expect(lines.length, err).toBeLessThanOrEqual(2);
  expect(lines[0]).toMatch(/^error: /);
  expect(lines[1] ?? 'hint: ').toMatch(/^hint: /);
  expect(err).not.toMatch(/\n\s+at /);
  expect(existsSync(out)).toBe(false);
  expect(existsSync(`${out}.partial`)).toBe(false);
  expect(readdirSync(folder, { recursive: true }).length, 'files left behind').toBe(before);
  return { code, reason: lines[0]!, hint: lines[1] ?? '' };
}
const activations = (dir: string, ...more: string[]) => [
  'activations',
  '--model',
  dir,
  '--tokens',
  '1,2',
  '--hooks',
  'logits',
  '--out',
  out,
  ...more,
];

describe('weights', () => {
  it('truncated', async () => {
    const { code, reason } = await refused(activations(model('truncated', (weights) => { writeFileSync(weights, readFileSync(weights).subarray(0, -1000)); }))); // prettier-ignore
    expect(code).toBe(3);
    expect(reason).toContain('truncated/model.safetensors');
  });

  it('cut within the header', async () => {
    const { code, reason } = await refused(activations(model('stump', (weights) => { writeFileSync(weights, readFileSync(weights).subarray(0, 100)); }))); // prettier-ignore
    expect([code, reason]).toEqual([3, expect.stringContaining('model.safetensors')]);
  });

  it('lying about an offset', async () => {
    const dir = model('offset', (weights) => {
      withHeader(weights, (header) => { Object.values(header).find((tensor) => 'data_offsets' in tensor)!.data_offsets[1]! += 2; }); // prettier-ignore
    });
    expect((await refused(activations(dir))).code).toBe(3);
  });

  it('lying about a shape', async () => {
    const dir = model('shape', (weights) => {
      withHeader(weights, (header) => {
        const tensor = Object.values(header).find(({ shape }) => (shape as number[] | undefined)?.length === 2)!;
        tensor.shape = [tensor.shape[0]! * 2 ** 40, tensor.shape[1]!];
      });
    });
    expect((await refused(activations(dir))).code).toBe(3);
  });

  it('a config with a wrong type', async () => {
    const dir = model('config', () => undefined);
    const config = path.join(dir, 'config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace(/"n_layer": *\d+/, '"n_layer": "six"'));
    const { code, reason } = await refused(activations(dir));
    expect([code, reason]).toEqual([3, expect.stringMatching(/config\.json.*n_layer/)]);
  });
});

describe('a model whose numbers overflow', () => {
  const dir = model('overflow', (weights) => {
    const bytes = readFileSync(weights);
    const size = Number(bytes.readBigUInt64LE(0));
    const { 'ln_f.weight': tensor } = JSON.parse(bytes.subarray(8, 8 + size).toString()) as Record<
      string,
      { data_offsets: [number, number] }
    >;
    // The largest bfloat16: finite, as loading demands, and too large for what follows.
    for (let at = 8 + size + tensor!.data_offsets[0]; at < 8 + size + tensor!.data_offsets[1]; at += 2) bytes.writeUInt16LE(0x7f7f, at);
    writeFileSync(weights, bytes);
  });
  const names = ['--samples', '2', '--num-problems', '2', '--experiment', 'overflow'];

  it('stops a run, which goes on once the model is right', async () => {
    const cwd = file('overflow-run');
    mkdirSync(cwd);
    const run = ['run', '--model', dir, ...names];
    const { code, out: printed, err } = await faultline(run, { cwd });
    expect([code, printed]).toEqual([3, '']);
    expect(err).toMatch(/error: sample [01] of Pico\/[01]: the model's logits are not finite\nhint: Fetch or convert/);
    const stored = await faultline(['query', 'SELECT count(*) FROM samples', '--json'], { cwd });
    expect((JSON.parse(stored.out) as { rows: unknown[][] }).rows).toEqual([[0]]);
    cpSync(path.join(picoModel, 'model.safetensors'), path.join(dir, 'model.safetensors'));
    const again = await faultline([...run, '--json'], { cwd });
    expect([again.code, (JSON.parse(again.out) as { generated: number }).generated], again.err).toEqual([0, 4]);
  }, 60_000);
});

describe('a model folder without a tokenizer', () => {
  const bare = model('bare', (weights) => { for (const name of ['tokenizer.json', 'vocab.json', 'merges.txt']) rmSync(path.join(path.dirname(weights), name)); }); // prettier-ignore

  it('is refused where text is needed, naming the files', async () => {
    const { code, reason } = await refused(['generate', '--model', bare, '--problems', problems, '--samples', '1', '--out', out]);
    expect([code, reason]).toEqual([3, expect.stringMatching(/bare.*tokenizer/)]);
  });

  it('is enough for activations of tokens', async () => {
    const { code } = await faultline([
      'activations',
      '--model',
      bare,
      '--tokens',
      '1,2,3',
      '--hooks',
      'logits',
      '--out',
      file('bare.safetensors'),
    ]);
    expect(code).toBe(0);
    rmSync(file('bare.safetensors'));
  });
});

describe('activations', () => {
  it('a token outside the vocabulary', async () => {
    const { code, reason } = await refused(['activations', '--tokens', '1,99999', '--hooks', 'logits', '--out', out]);
    expect([code, reason]).toEqual([2, expect.stringContaining('99999')]);
  });

  it('an unknown hook point, with the nearest names', async () => {
    const { code, reason, hint } = await refused(['activations', '--tokens', '1', '--hooks', 'blocks.0.hook_resid_pots', '--out', out]);
    expect([code, reason, hint]).toEqual([
      2,
      expect.stringContaining('hook_resid_pots'),
      expect.stringContaining('blocks.0.hook_resid_post'),
    ]);
  });
});

describe('config', () => {
  it.each([
    ['an unknown key', 'seed: 1\nno_such_key: 2\n', /c\.yaml:2:1: unknown key no_such_key/],
    ['a wrong type', 'seed: many\n', /c\.yaml:1:7: seed: expected an integer/],
    ['broken YAML', 'a: [\n', /c\.yaml:\d+:\d+: not valid YAML/],
    ['an unknown category', 'categories:\n  rename: { "99.1": x }\n', /c\.yaml:2:11: categories\.rename: unknown category 99\.1$/],
    [
      'a merge across outcomes',
      'categories:\n  merge: { "4.5": "8.1" }\n',
      /c\.yaml:2:10: categories\.merge: 4\.5 is crash and 8\.1 is wrong/,
    ],
    ['too many problems', 'problems:\n  count: 81\n', /c\.yaml:2:10: problems\.count: 81 problems were asked for, .* has 80$/],
    ['an absent model', 'model: { path: ./no/model }\n', /c\.yaml:1:16: model\.path: .*no\/model: no such/, 3],
    ['an absent problem file', 'problems:\n  path: no.jsonl\n', /c\.yaml:2:9: problems\.path: .*no\.jsonl: no such file$/, 3],
  ] as const)('%s', async (_, yaml, message, exit: number = 2) => {
    writeFileSync(file('c.yaml'), yaml);
    const { code, reason } = await refused(['run', file('c.yaml')]);
    expect([code, reason]).toEqual([exit, expect.stringMatching(message)]);
  });

  it('a file that is not there', async () => {
    expect(await refused(['run', 'absent.yaml'])).toMatchObject({ code: 3, reason: expect.stringContaining('absent.yaml') as string });
  });

  it('--samples 0', async () => {
    expect(await refused(['generate', '--samples', '0', '--out', out])).toMatchObject({
      code: 2,
      reason: expect.stringContaining('--samples') as string,
    });
  });

  it('a value of a flag or a variable that is wrong only in use', async () => {
    expect((await refused(['generate', '--num-problems', '81', '--out', out])).reason).toContain('--num-problems: 81 problems');
    expect((await refused(['generate', '--out', out], { FAULTLINE_MODEL_PATH: './no' })).reason).toMatch(
      /FAULTLINE_MODEL_PATH: .*no: no such/,
    );
  });

  it('a variable out of range', async () => {
    expect(await refused(['run'], { FAULTLINE_SAMPLES: '-1' })).toMatchObject({
      code: 2,
      reason: expect.stringContaining('FAULTLINE_SAMPLES') as string,
    });
  });
});

describe('problems and samples', () => {
  it('a broken line', async () => {
    const broken = file('broken.jsonl');
    writeFileSync(broken, `${JSON.stringify(problem)}\n{"task_id":\n`);
    const { code, reason } = await refused(['execute', '--problems', broken, '--samples', samples, '--out', out]);
    expect([code, reason]).toEqual([3, expect.stringMatching(/broken\.jsonl:2:\d+: /)]);
  });

  it('a missing field', async () => {
    const lacking = writeLines(file('lacking.jsonl'), [{ ...problem, test: undefined }]);
    expect((await refused(['generate', '--problems', lacking, '--out', out])).reason).toMatch(
      /lacking\.jsonl:1:\d+: field "test" is missing/,
    );
  });

  it('a sample of an unknown task', async () => {
    const unknown = writeLines(file('unknown.jsonl'), [{ task_id: 'Bad/9', completion: '' }]);
    expect((await refused(['execute', '--problems', problems, '--samples', unknown, '--out', out])).reason).toMatch(
      /unknown\.jsonl:1:\d+: .*Bad\/9/,
    );
  });

  it.each(['', '\n \n'])('no sample at all: %j', async (text) => {
    const empty = file('empty.jsonl');
    writeFileSync(empty, text);
    const { code, reason } = await refused(['execute', '--problems', problems, '--samples', empty, '--out', out]);
    expect([code, reason]).toEqual([3, expect.stringMatching(/empty\.jsonl: the file holds no sample$/)]);
  });

  it('an unknown dataset', async () => {
    expect((await refused(['generate', '--problems', 'humanevil', '--out', out])).hint).toContain('humaneval');
  });

  it('a dataset that was not fetched', async () => {
    const { code, hint } = await refused(['generate', '--problems', 'humaneval', '--out', out], { FAULTLINE_HOME: file('home') });
    expect([code, hint]).toEqual([3, expect.stringContaining('faultline data fetch humaneval')]);
  });

  it('a model that was not fetched', async () => {
    const { code, hint } = await refused(['generate', '--model', 'gpt2', '--out', out], { FAULTLINE_HOME: file('home') });
    expect([code, hint]).toEqual([3, expect.stringContaining('faultline model fetch gpt2')]);
  });
});

describe('outputs', () => {
  const inFile = path.join(samples, 'x');

  it.each([
    ['generate', ['generate', '--samples', '1', '--out', inFile]],
    ['execute', ['execute', '--problems', problems, '--samples', samples, '--out', inFile]],
    ['activations', ['activations', '--tokens', '1', '--hooks', 'logits', '--out', inFile]],
    ['run', ['run', '--samples', '1', '--outputs', inFile]],
  ])('an unwritable place for %s', async (_, args) => {
    const { code, reason } = await refused(args);
    expect([code, reason]).toEqual([5, expect.stringContaining(samples)]);
  });

  it('a folder in the place of a file', async () => {
    mkdirSync(file('folder'), { recursive: true });
    expect(await refused(['generate', '--samples', '1', '--out', file('folder')])).toMatchObject({
      code: 5,
      reason: expect.stringContaining('is a folder') as string,
    });
  });

  it('a database from a newer version is not touched', async () => {
    const database = file('newer.db');
    const { code } = await faultline([
      'run',
      '--num-problems',
      '1',
      '--samples',
      '1',
      '--max-new-tokens',
      '8',
      '--outputs',
      file('made'),
      '--db',
      database,
    ]);
    expect(code).toBe(0);
    rmSync(file('made'), { recursive: true });
    const connection = new Database(database);
    connection.pragma('user_version = 9999');
    connection.close();
    const before = readFileSync(database);
    for (const args of [
      ['run', '--samples', '1', '--outputs', folder, '--db', database],
      ['analyze', '--db', database],
      ['report', '--db', database],
    ]) {
      // prettier-ignore
      const { code: exit, reason, hint } = await refused(args);
      expect([exit, reason, hint]).toEqual([3, expect.stringMatching(/newer\.db.*9999/), expect.stringMatching(/^hint: /)]);
    }
    expect(readFileSync(database).equals(before)).toBe(true);
  });

  it('a database that is none', async () => {
    expect(await refused(['analyze', '--db', samples])).toMatchObject({
      code: 3,
      reason: expect.stringContaining('samples.jsonl') as string,
    });
    expect(await refused(['analyze', '--db', file('absent.db')])).toMatchObject({
      code: 3,
      reason: expect.stringContaining('absent.db') as string,
    });
  });
});

it('tells what went wrong inside only when asked', async () => {
  writeFileSync(file('debug.yaml'), 'seed: many\n');
  const { err } = await faultline(['run', file('debug.yaml')], { env: { FAULTLINE_DEBUG: '1' }, cwd: root });
  expect(err).toMatch(/\n\s+at /);
});

it('says nothing to a reader that has gone', async () => {
  const child = start(['run', '--help']);
  child.stdout!.destroy();
  let err = '';
  child.stderr!.on('data', (bytes: Buffer) => (err += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  expect([code, err]).toEqual([0, '']);
});
