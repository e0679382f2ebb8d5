import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { AtomicFile } from '../../../src/datasets/atomic-file.js';
import { readJsonl, readJsonlWithHash, withFields, type JsonLine } from '../../../src/datasets/jsonl.js';
import { questionDigest } from '../../../src/datasets/problem.js';
import { readSamples } from '../../../src/datasets/samples.js';
import { FaultlineError } from '../../../src/errors.js';

const scratch = mkdtempSync(join(tmpdir(), 'faultline-jsonl-'));
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});
let counter = 0;
const fileWith = (content: string | Uint8Array, name = `${counter++}.jsonl`): string => {
  const file = join(scratch, name);
  writeFileSync(file, content);
  return file;
};
const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
};
const refusal = async (items: AsyncIterable<unknown>): Promise<FaultlineError> => {
  const error: unknown = await all(items).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(FaultlineError);
  return error as FaultlineError;
};

describe('readJsonl', () => {
  it('reads plain and gzipped files, whatever they are called, and counts lines as they stand', async () => {
    const text = '\ufeff{"a": 1}\r\n\n  \n{"a": "\u2028\u2029"}';
    for (const file of [fileWith(text), fileWith(gzipSync(text), 'zipped'), fileWith(text, 'not-zipped.gz')]) {
      const lines = await all(readJsonl(file));
      expect(lines.map(({ line, value }) => [line, value])).toEqual([
        [1, { a: 1 }],
        [4, { a: '\u2028\u2029' }],
      ]);
    }
  });

  it('reads lines that span many chunks', async () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({ i, text: 'é𝔘\n'.repeat(i * 1000) }));
    const text = rows.map((row) => JSON.stringify(row)).join('\n');
    for (const file of [fileWith(text), fileWith(gzipSync(text))])
      expect((await all(readJsonl(file))).map((line) => line.value)).toEqual(rows);
  });

  it('hashes the bytes on disk', async () => {
    const file = fileWith('{"a":1}\n');
    expect((await readJsonlWithHash(file)).hash).toBe(createHash('sha256').update('{"a":1}\n').digest('hex'));
    expect((await readJsonlWithHash(fileWith(gzipSync('{"a":1}\n')))).hash).not.toBe((await readJsonlWithHash(file)).hash);
  });

  it.each([
    ['a broken line', '{"task_id": "a"}\n{"task_id":\n', [2, 12], /not valid JSON: expected a value, but the line ends/],
    ['a trailing comma', '{"a": 1,}', [1, 9], /field name/],
    ['a list', '{}\n\n[1]', [3, 1], /expected a JSON object, found a list/],
    [
      'bytes that are not UTF-8',
      Buffer.concat([Buffer.from('{}\n{"a": "'), Buffer.of(0xff), Buffer.from('"}')]),
      [2, undefined],
      /not valid UTF-8/,
    ],
    ['cut gzip', gzipSync('{"a": 1}\n'.repeat(1000)).subarray(0, 40), [undefined, undefined], /damaged gzip/],
  ])('%s: file, line and column', async (_, content, [line, column], says) => {
    const file = fileWith(content);
    const error = await refusal(readJsonl(file));
    expect(error.kind).toBe('input');
    expect([error.place.file, error.place.line, error.place.column]).toEqual([file, line, column]);
    expect(error.message).toMatch(says);
  });

  it('a missing file and a folder', async () => {
    expect((await refusal(readJsonl(join(scratch, 'nowhere.jsonl')))).message).toMatch(/nowhere\.jsonl: no such file/);
    expect((await refusal(readJsonl(scratch))).message).toMatch(/a folder, expected a file/);
  });
});

describe('withFields', () => {
  const line = (text: string): JsonLine => ({ file: 'f', line: 1, text, value: JSON.parse(text) as Record<string, unknown> });

  it('leaves everything else byte for byte as it was', () => {
    expect(withFields(line('{"seed": 12345678901234567890, "2": 1,  "1":1e2}'), { passed: true })).toBe(
      '{"seed": 12345678901234567890, "2": 1,  "1":1e2, "passed":true}',
    );
    expect(withFields(line('{}'), { passed: true })).toBe('{"passed":true}');
    expect(withFields(line('  {"a": {} }  '), { b: null })).toBe('  {"a": {}, "b":null}');
    expect(withFields(line('{"a":1}'), {})).toBe('{"a":1}');
  });

  it('leaves everything else as it was also where a field is there already', () => {
    const long = '9'.repeat(500);
    expect(
      withFields(line(`{"b" : {"result": [1]}, "n": ${long}, "result":"x" , "seed":12345678901234567890}`), { b: 1, result: null, c: 2 }),
    ).toBe(`{"b" : 1, "n": ${long}, "result":null , "seed":12345678901234567890, "c":2}`);
    expect(withFields(line('{"a": 1, "\\u0061": [2, {"a": 3}] }'), { a: 4 })).toBe('{"a": 1, "\\u0061": 4 }');
  });

  it('replaces fields that are there', () => {
    expect(JSON.parse(withFields(line('{"passed": false, "x": 1}'), { passed: true, y: 2 }))).toEqual({ passed: true, x: 1, y: 2 });
  });

  it('is the same as setting the fields, for any object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (value, fields) => {
        const text = JSON.stringify(value);
        const parsed = JSON.parse(text) as Record<string, unknown>;
        expect(JSON.parse(withFields({ text, value: parsed }, fields))).toEqual(JSON.parse(JSON.stringify({ ...parsed, ...fields })));
      }),
    );
  });
});

const question = { prompt: 'def f(x):\n    """Return x."""\n', entryPoint: 'f', test: 'def check(f):\n    assert f(1) == 1\n' };
const known = (...tasks: string[]) => new Map(tasks.map((task) => [task, question]));

describe('readSamples', () => {
  it('reads any file with task_id and completion, keeps the source, numbers samples per task', async () => {
    const file = fileWith(
      '{"task_id": "A", "completion": "x", "other": [1]}\n{"task_id": "B", "completion": ""}\n{"task_id": "A", "completion": "y"}\n{"task_id": "A", "completion": "z", "sample_index": 9, "finish_reason": "length"}\n',
    );
    const samples = await all(readSamples(file, known('A', 'B')));
    expect(samples.map(({ taskId, completion, sampleIndex, finishReason }) => [taskId, completion, sampleIndex, finishReason])).toEqual([
      ['A', 'x', 0, null],
      ['B', '', 0, null],
      ['A', 'y', 1, null],
      ['A', 'z', 9, 'length'],
    ]);
    expect(samples[0]!.source.value['other']).toEqual([1]);
  });

  it.each([
    ['{"task_id": "C", "completion": ""}', 13, /task_id "C" is not in the problem file/],
    ['{"completion": ""}', 1, /field "task_id" is missing/],
    ['{"task_id": "A", "completion": null}', 32, /field "completion" is null, expected a string/],
    ['{"task_id": 7, "completion": ""}', 13, /field "task_id" is a number/],
    ['{"task_id": "A", "completion": "", "sample_index": -1}', 52, /"sample_index" is -1/],
    ['{"task_id": "A", "completion": "", "sample_index": "0"}', 52, /"sample_index" is a string/],
    ['{"task_id": "A", "completion": "", "mean_logprob": NaN}', 52, /not valid JSON/],
  ])('%s', async (text, column, says) => {
    const error = await refusal(readSamples(fileWith(text), known('A')));
    expect([error.place.line, error.place.column]).toEqual([1, column]);
    expect(error.message).toMatch(says);
  });
});

describe('whole programs as evalplus has them', () => {
  const problems = new Map([
    ['MBPP/2', { ...question, prompt: '"""\nReturn x.\n"""' }],
    ['Open/0', { ...question, prompt: 'def f(x):\n' }],
    ['A', question],
  ]);
  const line = (task_id: string, solution: unknown, more: object = {}): string => `${JSON.stringify({ task_id, solution, ...more })}\n`;

  it('are cut where the prompt ends, and follow it whole where they do not begin with it', async () => {
    const file = fileWith(
      line('A', 'def f(x):\n    """Return x."""\n    return x\n') +
        line('A', 'def f(x):\n    return x\n') +
        line('Mbpp/2', 'def g(x):\n    return x\n') +
        line('Open/0', 'def f(x):\n    return x\n') +
        line('A', 'not this', { completion: 'but this' }),
    );
    const samples = await all(readSamples(file, problems));
    expect(samples.map(({ taskId, completion }) => [taskId, completion])).toEqual([
      ['A', '    return x\n'],
      ['A', 'def f(x):\n    return x\n'],
      ['MBPP/2', '\ndef g(x):\n    return x\n'],
      ['Open/0', '    return x\n'],
      ['A', 'but this'],
    ]);
    // The line itself stays as it was.
    expect(samples[2]!.source.value['task_id']).toBe('Mbpp/2');
  });

  it.each([
    [line('Open/0', 'import os\n'), /the solution does not begin with the prompt, and nothing else can follow that/],
    [line('A', 7), /field "solution" is a number/],
    [line('Mbpp/3', ''), /task_id "Mbpp\/3" is not in the problem file/],
  ])('%s', async (text, says) => {
    expect((await refusal(readSamples(fileWith(text), problems))).message).toMatch(says);
  });

  it('need to know their prompt', async () => {
    expect((await refusal(readSamples(fileWith(line('A', ''))))).message).toMatch(/field "completion" is missing/);
  });
});

describe("evalplus's results", () => {
  const whole = `${question.prompt}    return x\n`;
  const results = (of: object): string => fileWith(JSON.stringify({ date: '2024-01-01 00:00', hash: 'ab', eval: of }));
  const row = (fields: object): object => ({ task_id: 'A', solution: whole, base_status: 'pass', plus_status: 'fail', base_fail_tests: [], plus_fail_tests: [[1]], ...fields }); // prettier-ignore

  it('have a row for each sample, with what they say of the base test', async () => {
    const samples = await all(
      readSamples(results({ A: [row({}), row({ base_status: 'timeout' })], B: [row({ task_id: 'B' })] }), known('A', 'B')),
    );
    expect(samples.map(({ taskId, sampleIndex, completion, claimed }) => [taskId, sampleIndex, completion, claimed])).toEqual([
      ['A', 0, '    return x\n', true],
      ['A', 1, '    return x\n', false],
      ['B', 0, '    return x\n', true],
    ]);
    expect(JSON.parse(samples[0]!.source.text)).toEqual(row({}));
  });

  it('may be indented, and longer than a line may be, whatever comes before and behind', async () => {
    const object = { date: '2024-01-01 00:00', hash: 'ab', eval: { A: [row({}), row({ base_status: 'fail' })] } };
    const indented = JSON.stringify(object, null, 2);
    const long = `${JSON.stringify(object).slice(0, -1)}${' '.repeat(65 << 20)}}\n`;
    for (const content of [indented, `\ufeff\n${indented}\n\n`, gzipSync(indented), gzipSync(long, { level: 1 })]) {
      const samples = await all(readSamples(fileWith(content), known('A')));
      expect(samples.map(({ taskId, sampleIndex, completion, claimed }) => [taskId, sampleIndex, completion, claimed])).toEqual([
        ['A', 0, '    return x\n', true],
        ['A', 1, '    return x\n', false],
      ]);
    }
  });

  it('are not a file of samples whose lines have an eval of their own, long as it may be', async () => {
    const sample = JSON.stringify({ eval: { log: 'x'.repeat(200_000) }, task_id: 'A', completion: 'y' });
    const samples = await all(readSamples(fileWith(`\n${sample}\n${sample}\n`), known('A')));
    expect(samples.map(({ sampleIndex, completion }) => [sampleIndex, completion])).toEqual([[0, 'y'], [1, 'y']]); // prettier-ignore
    // In one line as well, and with others behind it that are blank.
    const long = JSON.stringify({ date: '', eval: { A: [row({}), row({ note: 'x'.repeat(200_000) })] } });
    expect(await all(readSamples(fileWith(`${long}\n\n`), known('A')))).toHaveLength(2);
  });

  it('have an end: more is refused before it is all in memory, with what to give instead', async () => {
    const spaces = gzipSync(Buffer.alloc(32 << 20, ' '), { level: 1 });
    const file = fileWith(Buffer.concat([gzipSync('{"date": "", "eval": {'), ...Array<Buffer>(13).fill(spaces)]));
    const error = await refusal(readSamples(file, known('A')));
    expect([error.kind, error.message]).toEqual(['input', expect.stringContaining('an object of more than 384 MiB')]);
    expect(error.hint).toMatch(/^Give the file of samples that they were made from/);
  });

  it('name the line of a fault where they are indented', async () => {
    const indented = JSON.stringify({ eval: { A: [row({})] } }, null, 2);
    const cut = await refusal(readSamples(fileWith(indented.slice(0, -2)), known('A')));
    expect([cut.place.line, cut.place.column, cut.hint]).toEqual([indented.split('\n').length - 1, 4, expect.stringMatching(/^The file must be one complete/)]); // prettier-ignore
    const old = await refusal(readSamples(fileWith(JSON.stringify({ date: '', eval: { A: { base: [] } } }, null, 2)), known('A')));
    expect([old.place.line, old.place.column]).toEqual([3, 11]);
  });

  it('have the indices that their rows say, and else their places', async () => {
    const rows = { A: [row({ sample_index: 3 }), row({ sample_index: 1 })], B: [row({ task_id: 'B' })] };
    const samples = await all(readSamples(results(rows), known('A', 'B')));
    expect(samples.map(({ taskId, sampleIndex }) => [taskId, sampleIndex])).toEqual([['A', 3], ['A', 1], ['B', 0]]); // prettier-ignore
  });

  it('are not lines that begin with a field of that name', async () => {
    const file = fileWith('{"task_id": "A", "completion": "x", "eval": {"A": 1}}\n{"completion": "\\"eval\\": {", "task_id": "A"}\n');
    expect((await all(readSamples(file, known('A')))).map(({ completion }) => completion)).toEqual(['x', '"eval": {']);
  });

  it('are not lines that have such a field before their task', async () => {
    // The last one is longer than what is read of a file to tell what it is.
    for (const fields of ['"eval": {"k": 1}', '"about": {"eval": {"A": []}}', `"about": {"eval": {}}, "text": "${'x'.repeat(1 << 17)}"`]) {
      const lines = ['x', 'y'].map((completion) => `{${fields}, "task_id": "A", "completion": "${completion}"}\n`);
      for (const content of [lines.join(''), `\ufeff\n${lines.join('')}`]) {
        expect((await all(readSamples(fileWith(content), known('A')))).map(({ completion }) => completion)).toEqual(['x', 'y']);
      }
    }
  });

  it.each([
    ['of versions that kept verdicts alone', { A: { nfiles: 1, base: [['pass', []]], plus: [] } }, /those of A do not hold the programs$/],
    ['without a program', { A: [row({}), { task_id: 'A', base_status: 'pass' }] }, /those of A do not hold the programs$/],
    ['of a task that is not there', { C: [row({ task_id: 'C' })] }, /sample 0 of C: task_id "C" is not in the problem file$/],
    [
      'of another version of the problem',
      { A: [row({}), row({ problem_digest: '0123456789abcdef' })] },
      /sample 1 of A: this sample is of another version of A/,
    ],
    [
      'with one index twice',
      { A: [row({ sample_index: 4 }), row({ sample_index: 4 })] },
      /:1: sample 1 of A: sample 4 of A is there twice$/,
    ],
    [
      'with an index below 0',
      { A: [row({ sample_index: -1 })] },
      /:1: sample 0 of A: field "sample_index" is -1, expected a whole number from 0/,
    ],
    ['with an index that is no number', { A: [row({ sample_index: '1' })] }, /:1: sample 0 of A: field "sample_index" is a string/],
    ['without a sample', { A: [] }, /the file holds no sample$/],
  ])('%s are refused', async (_, of, says) => {
    const error = await refusal(readSamples(results(of), known('A')));
    expect([error.kind, error.message]).toEqual(['input', expect.stringMatching(says)]);
  });
});

describe('samples of another version of their problem', () => {
  const line = (fields: object): string => `${JSON.stringify({ task_id: 'A', completion: 'x', ...fields })}\n`;
  const digest = questionDigest(question);

  it.each([
    ['problem_digest', '0123456789abcdef', /its digest is "0123456789abcdef", and that of the problem file's is "[0-9a-f]{16}"$/],
    ['entry_point', 'g', /its entry point is "g", and that of the problem file's is "f"$/],
    ['test', 'def check(f):\n    assert f(1) == 2\n', /its test is not the problem file's$/],
    ['prompt', 'def f(x):\n    """Return x, or 0."""\n', /its prompt does not hold the problem file's$/],
  ])('are refused by their %s, with line and column', async (field, value, says) => {
    const text = line({ problem_digest: digest }) + line({ [field]: value });
    const error = await refusal(readSamples(fileWith(text), known('A')));
    expect([error.kind, error.place.line, error.place.column]).toEqual(['input', 2, 36 + field.length]);
    expect(error.message).toMatch(/this sample is of another version of A: /);
    expect(error.message).toMatch(says);
    expect(error.hint).toMatch(RegExp(`problem file, and the --template, .* take ${field} out of the lines`));
  });

  it.each([
    ['nothing', {}],
    ['the same', { problem_digest: digest, entry_point: 'f', test: question.test, prompt: question.prompt }],
    ['other line ends and blanks', { test: `\n${question.test.replaceAll('\n', '  \r\n')}\n\n`, prompt: question.prompt.trimEnd() }],
    ['what a model was told around the prompt', { prompt: `Complete this:\n${question.prompt}\nOnly code.` }],
    ['fields of other kinds', { entry_point: null, test: ['assert f(1)'], prompt: [{ role: 'user', content: '' }] }],
  ])('are not those that say %s', async (_, fields) => {
    expect(await all(readSamples(fileWith(line(fields)), known('A')))).toHaveLength(1);
  });

  it('are compared with texts that are made once for all lines of a problem', async () => {
    let read = 0;
    const counted = {
      ...question,
      get test() {
        read++;
        return question.test;
      },
    };
    const text = line({ test: question.test, problem_digest: digest }).repeat(50);
    expect(await all(readSamples(fileWith(text), new Map([['A', counted]])))).toHaveLength(50);
    // Once for the digest, and once for itself.
    expect(read).toBe(2);
  });

  it('may hold blanks within a line in any number', async () => {
    const test = `# ${' \t'.repeat(100_000)}.  \n${question.test}`;
    const problems = new Map([['A', { ...question, test: test.replace('  \n', '\n') }]]);
    // Quadratic, this would take longer than the runner's limit.
    expect(await all(readSamples(fileWith(line({ test })), problems))).toHaveLength(1);
  });

  it('are known by prompt, entry point and test, each by itself, and by nothing else', () => {
    const digests = [
      question,
      { ...question, prompt: `${question.prompt} ` },
      { ...question, entryPoint: 'g' },
      { ...question, test: `${question.test} ` },
      // A character that moves from one text into the next.
      { ...question, entryPoint: 'fd', test: question.test.slice(1) },
    ].map(questionDigest);
    expect(new Set(digests).size).toBe(digests.length);
    expect(digests.every((each) => /^[0-9a-f]{16}$/.test(each))).toBe(true);
    expect(questionDigest({ ...question, test: 'a\ud800' })).toBe(questionDigest({ ...question, test: 'a\ufffd' }));
    const more = { ...question, taskId: 'other', canonicalSolution: '' };
    expect(questionDigest(more)).toBe(digest);
  });
});

describe('samples that are there twice', () => {
  it.each([
    [
      'by their index',
      '{"task_id": "A", "completion": "", "sample_index": 3}\n{"task_id": "A", "completion": "x", "sample_index": 3}\n',
      53,
    ],
    [
      'as one has an index and another its place',
      '{"task_id": "A", "completion": "", "sample_index": 1}\n{"task_id": "A", "completion": "x"}\n',
      1,
    ],
  ])('are refused, %s', async (_, text, column) => {
    const error = await refusal(readSamples(fileWith(text), known('A')));
    expect([error.place.line, error.place.column]).toEqual([2, column]);
    expect(error.message).toMatch(/sample \d of A is there twice$/);
  });

  it('are none of two tasks, nor two equal programs', async () => {
    const line = (task: string): string => `{"task_id": "${task}", "completion": "x"}\n`;
    expect(await all(readSamples(fileWith(line('A') + line('A') + line('B'))))).toHaveLength(3);
  });
});

describe('numbers that JSON has not', () => {
  it.each(['NaN', 'Infinity', '-Infinity'])('%s is named as such', async (number) => {
    const error = await refusal(readSamples(fileWith(`{"task_id": "A", "completion": "", "mean_logprob": ${number}}`)));
    expect(error.message).toMatch(/not valid JSON/);
    expect(error.hint).toMatch(/no NaN and no infinity/);
  });

  it('are no reason for the same hint elsewhere', async () => {
    expect((await refusal(readSamples(fileWith('{"task_id": Name}')))).hint).toMatch(/one complete JSON object/);
  });
});

describe('AtomicFile', () => {
  it('shows nothing before commit, everything after', async () => {
    const folder = join(scratch, 'atomic');
    mkdirSync(folder);
    const path = join(folder, 'out.jsonl');
    const file = await AtomicFile.open(path);
    const rows = Array.from({ length: 5000 }, (_, i) => ({ i, text: 'half \ud800 pair, ü, \u2028'.repeat(5) }));
    for (const row of rows) await file.writeLine(row);
    expect(readdirSync(folder)).not.toContain('out.jsonl');
    await file.commit();
    expect(readdirSync(folder)).toEqual(['out.jsonl']);
    expect((await all(readJsonl(path))).map((line) => line.value)).toEqual(rows);
  });

  it('leaves an older file alone until commit, and nothing of its own after abort', async () => {
    const folder = join(scratch, 'aborted');
    mkdirSync(folder);
    const path = join(folder, 'out.jsonl');
    writeFileSync(path, 'old');
    const file = await AtomicFile.open(path);
    await file.write('new');
    await file.abort();
    await file.commit();
    expect(readdirSync(folder)).toEqual(['out.jsonl']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it('writes the file behind a link, and keeps the link', async () => {
    const folder = join(scratch, 'linked');
    mkdirSync(folder);
    writeFileSync(join(folder, 'real.jsonl'), 'old');
    symlinkSync('real.jsonl', join(folder, 'link.jsonl'));
    const file = await AtomicFile.open(join(folder, 'link.jsonl'));
    await file.write('new');
    await file.commit();
    expect(readFileSync(join(folder, 'real.jsonl'), 'utf8')).toBe('new');
    expect(readlinkSync(join(folder, 'link.jsonl'))).toBe('real.jsonl');
  });

  it('refuses a device or a folder under its name, and leaves it there', async () => {
    const pipe = join(scratch, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(AtomicFile.open(pipe)).rejects.toMatchObject({ kind: 'output', place: { file: pipe } });
    await expect(AtomicFile.open(scratch)).rejects.toMatchObject({ kind: 'output' });
    expect(statSync(pipe).isFIFO()).toBe(true);
    expect(readdirSync(scratch).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('refuses an unwritable place before any work', async () => {
    const error: unknown = await AtomicFile.open(join(scratch, 'no', 'such', 'folder', 'x')).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ kind: 'output', place: { file: join(scratch, 'no', 'such', 'folder', 'x') } });
  });
});
