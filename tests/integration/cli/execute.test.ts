/** `faultline execute` on files that other tools may have written. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultline, finished, readLines, scratchFolder, start, until, writeLines } from './faultline.js';

const folder = scratchFolder();
const problem = {
  task_id: 'Test/0',
  prompt: 'def add(a, b):\n    """Return a + b."""\n',
  entry_point: 'add',
  canonical_solution: '    return a + b\n',
  test: 'def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(-1, 1) == 0\n',
};
const problems = writeLines(path.join(folder, 'problems.jsonl'), [problem, { ...problem, task_id: 'Test/1' }]);
const file = (name: string) => path.join(folder, name);

describe('execute', () => {
  it('writes the same lines in the same order, fields kept, verdicts added', async () => {
    const lines = [
      { task_id: 'Test/1', completion: '    return a + c\n', id: 12345678901234567890n.toString(), nested: { x: [1] } },
      { task_id: 'Test/0', completion: '    return a + b\n', sample_index: 7 },
      { task_id: 'Test/1', completion: '    return a - b\n', finish_reason: 'length' },
      { task_id: 'Test/0', completion: '    while True: pass\n' },
      { task_id: 'Test/0', completion: '', finish_reason: 'error', error: 'the prompt leaves no room' },
    ];
    const samples = writeLines(file('samples.jsonl'), lines);
    const { code, out, err } = await faultline([
      'execute',
      '--problems',
      problems,
      '--samples',
      samples,
      '--out',
      file('out.jsonl'),
      '--json',
    ]);
    expect([code, err.includes('error')]).toEqual([0, false]);
    const rows = readLines(file('out.jsonl'));
    rows.forEach((row, index) => {
      expect(row).toMatchObject(lines[index]!);
    });
    expect(rows.map(({ passed, result, outcome, category_code }) => [passed, result, outcome, category_code])).toEqual([
      [false, "failed: NameError: name 'c' is not defined", 'crash', '4.1'],
      [true, 'passed', 'pass', null],
      [false, expect.stringMatching(/^failed: AssertionError: assert candidate\(1, 2\) == 3/), 'wrong', expect.stringMatching(/^8/)],
      [false, 'timed out', 'resource', '5.1'],
      [false, 'failed: not run: the prompt leaves no room', 'generation', expect.stringMatching(/^1/)],
    ]);
    expect(rows.every((row) => row['passed'] === true || typeof row['category'] === 'string')).toBe(true);
    expect(JSON.parse(out)).toMatchObject({ samples: 5, passed: 1, resumed: 0 });
    expect(existsSync(`${file('out.jsonl')}.partial`)).toBe(false);
  });

  it('names categories as the config wishes', async () => {
    const samples = writeLines(file('named.jsonl'), [{ task_id: 'Test/0', completion: '    return a + c\n' }]);
    writeFileSync(file('names.yaml'), 'categories:\n  rename: { "4.1": undefined_name }\n');
    const { code } = await faultline([
      'execute',
      file('names.yaml'),
      '--problems',
      problems,
      '--samples',
      samples,
      '--out',
      file('named.out'),
    ]);
    expect(code).toBe(0);
    expect(readLines(file('named.out'))[0]).toMatchObject({ category: 'undefined_name', category_code: '4.1' });
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('continues after %s and writes the same bytes', async (signal) => {
    // Each sleeps a little, so that there is a middle to be stopped in.
    const bodies = ['return a + b', 'return a - b', 'return a + c', 'return [a] + b'].map(
      (body) => `    import time\n    time.sleep(0.02)\n    ${body}\n`,
    );
    const lines = Array.from({ length: 60 }, (_, index) => ({ task_id: `Test/${index % 2}`, completion: bodies[index % 4]! }));
    const samples = writeLines(file(`many-${signal}.jsonl`), lines);
    const args = (out: string) => ['execute', '--problems', problems, '--samples', samples, '--out', file(out), '--workers', '2'];
    expect((await faultline(args(`whole-${signal}.jsonl`))).code).toBe(0);

    const out = `stopped-${signal}.jsonl`;
    const child = start(args(out));
    const end = finished(child);
    const partial = `${file(out)}.partial`;
    await until('some lines are finished', child, () => existsSync(partial) && readFileSync(partial, 'utf8').split('\n').length > 8);
    child.kill(signal);
    const { code, signal: by, err } = await end;
    expect([code, by]).toEqual(signal === 'SIGINT' ? [130, null] : [null, 'SIGKILL']);
    if (signal === 'SIGINT') expect(err).toMatch(/error: stopped; \d+ finished lines are kept\nhint: Continue with: faultline execute /);
    expect(existsSync(file(out))).toBe(false);

    const again = await faultline([...args(out), '--json']);
    expect(again.code).toBe(0);
    expect((JSON.parse(again.out) as { resumed: number }).resumed).toBeGreaterThan(0);
    expect(readFileSync(file(out), 'utf8')).toBe(readFileSync(file(`whole-${signal}.jsonl`), 'utf8'));
    expect(existsSync(partial)).toBe(false);
  });

  it('tells the fault of a test from that of the model', async () => {
    const faulty = Array.from({ length: 7 }, (_, index) => ({ ...problem, task_id: `Faulty/${index}`, test: 'def check(candidate:\n' }));
    const mixed = writeLines(file('mixed.jsonl'), [problem, ...faulty]);
    const completion = '    return a + b\n';
    const run = (name: string, ids: readonly string[], ...more: string[]) => {
      const samples = writeLines(file(`${name}.jsonl`), ids.map((task_id) => ({ task_id, completion }))); // prettier-ignore
      return faultline(['execute', '--problems', mixed, '--samples', samples, '--out', file(`${name}.out`), ...more]);
    };
    const one = await run('faulty', ['Faulty/0', 'Faulty/0']);
    expect(one.code).toBe(3);
    expect(one.out).toMatch(/^0 of 0 judged samples passed; verdicts in /);
    expect(one.err).toMatch(/error: 2 samples not judged: the test of Faulty\/0 does not compile: .*\nhint: .+\n$/);
    expect(readLines(file('faulty.out')).map(({ outcome }) => outcome)).toEqual(['infra', 'infra']);

    const all = await run('mixed-samples', ['Test/0', ...faulty.map(({ task_id }) => task_id)], '--json');
    expect(all.code).toBe(3);
    expect(JSON.parse(all.out)).toMatchObject({ samples: 8, judged: 1, passed: 1, outcomes: { pass: 1, infra: 7 } });
    expect(all.err.match(/1 sample not judged: the test of Faulty/g)).toHaveLength(5);
    expect(all.err).toMatch(/error: and 2 more\n/);
  });

  it('does not continue with other limits', async () => {
    const samples = writeLines(file('limits.jsonl'), [{ task_id: 'Test/0', completion: '    return a + b\n' }]);
    writeFileSync(`${file('limits.out')}.partial`, '{"faultline_partial":1,"fingerprint":"of another run"}\n[0,"{}"]\n');
    const { code, err } = await faultline(['execute', '--problems', problems, '--samples', samples, '--out', file('limits.out')]);
    expect(code).toBe(3);
    expect(err).toMatch(/limits\.out\.partial: holds the unfinished output of a run with other settings or inputs\nhint: Remove /);
  });
});
