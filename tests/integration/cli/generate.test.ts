/** `faultline generate` and `faultline activations`: files that other tools read. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultline, finished, readLines, scratchFolder, start, until } from './faultline.js';

const folder = scratchFolder();
const file = (name: string) => path.join(folder, name);
const args = (out: string, ...more: string[]) => [
  'generate',
  '--num-problems',
  '5',
  '--samples',
  '6',
  '--seed',
  '3',
  '--max-new-tokens',
  '64',
  '--out',
  file(out),
  ...more,
];

describe('generate', () => {
  it('writes HumanEval lines in problem and sample order', async () => {
    const { code, out } = await faultline([...args('plain.jsonl'), '--json']);
    expect(code).toBe(0);
    const device = { device: expect.any(String) as string, deviceName: expect.any(String) as string };
    expect(JSON.parse(out)).toEqual({
      out: file('plain.jsonl'),
      problems: 5,
      samples: 30,
      errors: 0,
      resumed: 0,
      estimate: null,
      ...device,
    });
    const rows = readLines(file('plain.jsonl'));
    expect(rows.map(({ task_id, sample_index }) => [task_id, sample_index])).toEqual(
      Array.from({ length: 30 }, (_, i) => [`Pico/${Math.floor(i / 6)}`, i % 6]),
    );
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(['task_id', 'completion', 'sample_index', 'finish_reason', 'seed', 'problem_digest']);
      expect(row).toMatchObject({
        completion: expect.any(String) as string,
        finish_reason: expect.stringMatching(/^(eos|stop|function|length)$/) as string,
        seed: 3,
      });
    }
    expect(new Set(rows.map(({ completion }) => completion)).size).toBeGreaterThan(10);
  });

  it('says what much work takes before it begins, and draws what it would have drawn', async () => {
    const long = ['generate', '--num-problems', '2', '--samples', '40', '--max-new-tokens', '128', '--out'];
    const { code, out, err } = await faultline([...long, file('long.jsonl'), '--json']);
    expect(code, err).toBe(0);
    expect(err).toMatch(
      /^estimate: at most [^\n]*, disk [^\n]*\n {2}generate: at most [^\n]*\(80 samples of up to 128 tokens, [^\n]* measured\); memory/m,
    );
    const { estimate } = JSON.parse(out) as { estimate: { diskBytes: number; stages: { stage: string }[] } };
    expect(estimate.stages.map(({ stage }) => stage)).toEqual(['generate']);
    // At most, as it says: each line stands in two files until the output is whole.
    expect(estimate.diskBytes).toBeGreaterThan(2 * statSync(file('long.jsonl')).size);
    // Half as many are too few for an estimate, and are the first of these.
    const few = await faultline([...long, file('few.jsonl'), '--samples', '20']);
    expect([few.code, few.err]).toEqual([0, expect.not.stringContaining('estimate')]);
    const first = readLines(file('long.jsonl')).filter(({ sample_index }) => Number(sample_index) < 20);
    expect(readLines(file('few.jsonl'))).toEqual(first);
  }, 60_000);

  it('adds tokens and log-probabilities, and changes nothing else', async () => {
    expect((await faultline(args('logprobs.jsonl', '--logprobs'))).code).toBe(0);
    const rows = readLines(file('logprobs.jsonl'));
    for (const { tokens, logprobs } of rows as unknown as { tokens: number[]; logprobs: number[] }[]) {
      expect(tokens.length).toBeGreaterThan(0);
      expect(logprobs).toHaveLength(tokens.length);
      expect(logprobs.every((value) => value <= 0 && value === Math.fround(value))).toBe(true);
    }
    expect(rows.map((row) => ({ ...row, tokens: undefined, logprobs: undefined }))).toEqual(readLines(file('plain.jsonl')));
  });

  it('does not depend on batch and threads', async () => {
    expect((await faultline(args('one.jsonl', '--batch', '1', '--threads', '1'))).code).toBe(0);
    expect(readFileSync(file('one.jsonl'), 'utf8')).toBe(readFileSync(file('plain.jsonl'), 'utf8'));
  });

  it('draws other samples from another seed, and one sample greedily', async () => {
    expect((await faultline(args('seed.jsonl', '--seed', '18446744073709551615'))).code).toBe(0);
    const rows = readLines(file('seed.jsonl'));
    expect(rows[0]!['seed']).toBe('18446744073709551615');
    expect(rows.map(({ completion }) => completion)).not.toEqual(readLines(file('plain.jsonl')).map(({ completion }) => completion));
    expect((await faultline(args('greedy.jsonl', '--temperature', '0', '--samples', '3', '--num-problems', '2'))).code).toBe(0);
    const [a, b, c, d] = readLines(file('greedy.jsonl')).map(({ completion }) => completion);
    expect([b, c]).toEqual([a, a]);
    expect(d).not.toBe(a);
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('continues after %s and writes the same bytes', async (signal) => {
    const out = `${signal}.jsonl`;
    const partial = `${file(out)}.partial`;
    const child = start(args(out, '--batch', '1', '--threads', '1'));
    const end = finished(child);
    await until('some lines are finished', child, () => existsSync(partial) && readFileSync(partial, 'utf8').split('\n').length > 3);
    child.kill(signal);
    const { code, signal: by, err } = await end;
    expect([code, by]).toEqual(signal === 'SIGINT' ? [130, null] : [null, 'SIGKILL']);
    if (signal === 'SIGINT') expect(err).toMatch(/error: stopped; \d+ finished lines are kept\nhint: Continue with: faultline generate /);
    expect(existsSync(file(out))).toBe(false);
    const again = await faultline([...args(out), '--json']);
    expect(again.code, again.err).toBe(0);
    expect((JSON.parse(again.out) as { resumed: number }).resumed).toBeGreaterThan(0);
    expect(readFileSync(file(out), 'utf8')).toBe(readFileSync(file('plain.jsonl'), 'utf8'));
    expect(readdirSync(folder).filter((name) => name.startsWith(out))).toEqual([out]);
  });

  it('goes on when a prompt leaves no room, and says so on its lines', async () => {
    const { writeFileSync } = await import('node:fs');
    const problem = {
      entry_point: 'f',
      canonical_solution: '    return 1\n',
      test: 'def check(candidate):\n    assert candidate() == 1\n',
    };
    writeFileSync(
      file('long.jsonl'),
      [
        { task_id: 'Long/0', prompt: `def f():\n    """${'word '.repeat(5000)}"""\n`, ...problem },
        { task_id: 'Long/1', prompt: 'def f():\n', ...problem },
      ]
        .map((row) => JSON.stringify(row))
        .join('\n'),
    );
    const asked = ['generate', '--problems', file('long.jsonl'), '--samples', '2', '--max-new-tokens', '8', '--out', file('long.out')];
    const { code, out } = await faultline([...asked, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ samples: 4, errors: 2 });
    expect((await faultline(asked)).out).toBe(
      `4 samples of 2 problems in ${file('long.out')}; 2 could not be drawn, as said in the file\n`,
    );
    const rows = readLines(file('long.out'));
    expect(rows.map(({ task_id, finish_reason }) => [task_id, finish_reason === 'error'])).toEqual([
      ['Long/0', true],
      ['Long/0', true],
      ['Long/1', false],
      ['Long/1', false],
    ]);
    expect(rows[0]).toMatchObject({ completion: '', error: expect.stringMatching(/\d/) as string });
  });
});

describe('activations', () => {
  const read = (name: string) => {
    const bytes = readFileSync(file(name));
    const size = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + size).toString()) as Record<string, { dtype: string; shape: number[] }>;
    return Object.fromEntries(Object.entries(header).filter(([key]) => key !== '__metadata__'));
  };

  it('writes exactly the asked-for tensors', async () => {
    const { code, out } = await faultline([
      'activations',
      '--tokens',
      '1,2,3',
      '--hooks',
      'logits,blocks.0.hook_resid_post',
      '--out',
      file('a.safetensors'),
      '--json',
    ]);
    expect(code).toBe(0);
    const tensors = read('a.safetensors');
    expect(Object.keys(tensors).sort()).toEqual(['blocks.0.hook_resid_post', 'logits']);
    expect(tensors['logits']).toMatchObject({ dtype: 'F32', shape: [3, 4096] });
    expect(JSON.parse(out)).toMatchObject({
      tokens: [1, 2, 3],
      tensors: [{ name: 'logits', shape: [3, 4096] }, { name: 'blocks.0.hook_resid_post' }],
    });
  });

  it('takes text through the tokenizer, special tokens as its config says', async () => {
    const { code, out } = await faultline([
      'activations',
      '--text',
      'def add(a, b):',
      '--hooks',
      'hook_embed',
      '--out',
      file('t.safetensors'),
      '--json',
    ]);
    expect(code).toBe(0);
    const { tokens } = JSON.parse(out) as { tokens: number[] };
    expect(tokens[0]).toBe(4095);
    expect(read('t.safetensors')['hook_embed']!.shape[0]).toBe(tokens.length);
  });
});
