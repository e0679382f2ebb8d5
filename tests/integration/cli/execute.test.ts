/** `faultline execute` on files that other tools may have written. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { EXECUTED_FIELDS, MEASURED_FIELDS } from '../../../src/pipeline/result-fields.js';
import { descendants } from '../sandbox/processes.js';
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
/** In the place of what may differ from run to run. */
const UNMEASURED = Object.fromEntries(MEASURED_FIELDS.map((name) => [name, null]));

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
    const at = (line: number): object => ({ where: 'sample', function: 'add', line });
    const locals = ['a', 'b'].map((name, index) => ({ name, value: String(index + 1) }));
    expect(rows.map((row) => [row['failing_locals'], row['failing_frames']])).toEqual([[locals, [at(3)]], ...Array<null[]>(4).fill([null, null])]); // prettier-ignore
    // On a busy machine a program may not get as far as to say where it was.
    expect([[at(3)], null]).toContainEqual(rows[3]!['stopped_at']);
    expect(rows.map((row) => row['stopped_at']).filter((stopped) => stopped !== null).length).toBeLessThan(2);
    expect(
      rows.map(({ status, detail, exception_type, exception_message }) => [status, detail, exception_type, exception_message]),
    ).toEqual([
      ['exception', null, 'NameError', "name 'c' is not defined"],
      ['passed', null, null, null],
      ['assertion', null, null, null],
      ['limit', 'cpu', null, null],
      ['not_run', 'the prompt leaves no room', null, null],
    ]);
    const sides = { assertion_index: 0, assertion_source: 'assert candidate(1, 2) == 3', returned: '-1', returned_type: 'int', expected: '3', expected_type: 'int' }; // prettier-ignore
    expect(rows[2]).toMatchObject({ ...sides, exit_code: null, calls: 1, changed_calls: 0 });
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(expect.arrayContaining([...EXECUTED_FIELDS]));
      expect(row).toMatchObject({
        stdout: '',
        near_limit: false,
        isolation_tier: expect.stringMatching(/^(namespaces|landlock)$/) as string,
      });
      expect(row['python_version']).toMatch(/^3\.\d+\.\d+$/);
      // What was never run took nothing.
      for (const name of ['cpu_seconds', 'wall_seconds', 'peak_memory_bytes']) expect(Number(row[name]) > 0).toBe(row !== rows[4]);
    }
    expect(JSON.parse(out)).toMatchObject({ samples: 5, passed: 1, resumed: 0 });
    expect(existsSync(`${file('out.jsonl')}.partial`)).toBe(false);
  });

  it('says what much work takes before it begins', async () => {
    // Equal programs are executed once.
    const lines = Array.from({ length: 600 }, (_, index) => ({ task_id: 'Test/0', completion: '    return a + b\n', sample_index: index }));
    const samples = writeLines(file('much.jsonl'), lines);
    const { code, out, err } = await faultline(['execute', '--problems', problems, '--samples', samples, '--out', file('much-out.jsonl'), '--json']); // prettier-ignore
    expect(code, err).toBe(0);
    expect(err).toMatch(
      /^estimate: about [^\n]*, disk [^\n]*\n {2}execute: about [^\n]*\(600 programs, [^\n]* measured on reference solutions[^\n]*\); memory/m,
    );
    const { estimate, passed } = JSON.parse(out) as { estimate: { diskBytes: number }; passed: number };
    expect([passed, estimate.diskBytes > statSync(file('much-out.jsonl')).size]).toEqual([600, true]);
  }, 60_000);

  it('executes equal programs once, tries passing ones further, and leaves out what nobody can judge', async () => {
    const mbpp = (task_id: number, name: string, code: string) => ({ task_id, text: 'Do it.', code, test_list: [`assert ${name}(1) == 1`], test_setup_code: '', challenge_test_list: [] as string[] }); // prettier-ignore
    const tests = [
      // Right under one order of the set only: which one, the hash seed says.
      { ...mbpp(1, 'first', 'def first(x):\n  return 1'), test_list: ['assert first("abcdefgh") == "".join(set("abcdefgh"))'] },
      { ...mbpp(2, 'same', 'def same(x):\n  return x'), challenge_test_list: ['assert same(10 ** 6) == 10 ** 6'] },
      mbpp(367, 'is_tree_balanced', 'def is_tree_balanced(root):\n  return 1'),
    ];
    const three = writeLines(file('three.jsonl'), tests);
    // Draws at random: executed twice, two equal texts would still agree, but in their measured times they would not.
    const byChance = { task_id: 'MBPP/2', completion: '    import random\n    return x if x == 1 else random.random()\n' };
    const lines = [
      { task_id: 'MBPP/1', completion: '    return "".join(set(x))\n' },
      { task_id: 'MBPP/367', completion: '    return 1\n' },
      ...Array.from({ length: 6 }, (_, n) => ({
        task_id: 'MBPP/2',
        completion: '    return x + 0\n',
        finish_reason: n % 2 === 0 ? 'length' : 'eos',
      })),
      byChance,
      { task_id: 'MBPP/1', completion: '    return "".join(set(x))\n', tags: ['mine'] },
      ...Array.from({ length: 4 }, () => ({ task_id: 'MBPP/2', completion: '    return (x\n', finish_reason: 'length' })),
      { task_id: 'MBPP/2', completion: '    return (x\n', finish_reason: 'eos' },
      byChance,
    ];
    const samples = writeLines(file('equal.jsonl'), lines);
    const args = (out: string) => ['execute', '--problems', three, '--samples', samples, '--out', file(out), '--json'];
    const { code, out, err } = await faultline(args('equal.out'));
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/1 sample of MBPP\/367 left out of every rate: its test builds objects of the class Node/),
    ]);
    const rows = readLines(file('equal.out'));
    rows.forEach((row, index) => {
      expect(row).toMatchObject(lines[index]!);
    });
    const seen = rows.map(({ passed, category_code, outcome, secondary_tags }) => [passed, category_code, outcome, secondary_tags]);
    const fragile = (...tags: string[]) => [true, '9', 'pass', expect.arrayContaining(tags.map((tag) => `fragile:${tag}`)) as unknown];
    expect(seen[0]).toEqual(fragile('hash_seed'));
    expect(seen[9]).toEqual(seen[0]);
    expect(seen[1]!.slice(0, 3)).toEqual([false, '0', 'infra']);
    expect(rows[1]!['result']).toMatch(/^unsupported: its test builds/);
    for (const index of [2, 3, 4, 5, 6, 7]) expect(seen[index]!.slice(0, 3)).toEqual([true, null, 'pass']);
    expect(seen[8]).toEqual(fragile('further_test'));
    expect(seen[15]).toEqual(seen[8]);
    // One verdict, and a decision for each: only some of them were cut off.
    expect(rows.slice(10, 15).map((row) => row['category_code'])).toEqual([...Array<string>(4).fill('1.1'), expect.stringMatching(/^2\./)]);
    expect(rows[14]).toMatchObject({ failing_line: 4, span_start: expect.any(Number) as number, token_first: null, category_dou: expect.any(Array) as unknown }); // prettier-ignore
    expect(JSON.parse(out)).toMatchObject({
      samples: 16,
      judged: 15,
      passed: 10,
      unjudged: [],
      unsupported: [{ taskId: 'MBPP/367', samples: 1, reason: expect.stringContaining('Node') as string }],
      outcomes: { pass: 10, infra: 1 },
      categories: { fragile: 4 },
    });

    const plain = await faultline(args('plain.out'), { env: { FAULTLINE_SANDBOX_FRAGILE: 'false' } });
    expect(plain.code).toBe(0);
    const pass = (row: Record<string, unknown>): boolean => row['passed'] === true;
    expect(readLines(file('plain.out')).filter(pass).map((row) => row['category'])).toEqual(Array<null>(10).fill(null)); // prettier-ignore
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

  it.each(['SIGINT', 'SIGKILL'] as const)('continues after %s and writes the same results', async (signal) => {
    // Each sleeps a little, so that there is a middle to be stopped in.
    const bodies = ['return a + b', 'return a - b', 'return a + c', 'return [a] + b'].map(
      (body) => `    import time\n    time.sleep(0.02)\n    ${body}\n`,
    );
    // Every program stands twice, half a file apart.
    const completion = (index: number): string => `${bodies[index % 4]!}    # ${index % 30}\n`;
    const lines = Array.from({ length: 60 }, (_, index) => ({ task_id: `Test/${index % 2}`, completion: completion(index) }));
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
    // To the byte, but for what is measured.
    const results = (name: string): string[] => readLines(file(name)).map((row) => JSON.stringify({ ...row, ...UNMEASURED }));
    expect(results(out)).toEqual(results(`whole-${signal}.jsonl`));
    expect(existsSync(partial)).toBe(false);
  });

  it('goes on from a file of an earlier version, whose lines have fewer fields', async () => {
    const right = { task_id: 'Test/0', completion: '    return a + b\n' };
    const lines = [
      right,
      { task_id: 'Test/0', completion: '    import time\n    time.sleep(1)\n    return a - b\n' },
      { ...right, stdout: 'mine' },
    ];
    const samples = writeLines(file('older.jsonl'), lines);
    const args = ['execute', '--problems', problems, '--samples', samples, '--out', file('older.out'), '--workers', '1'];
    const partial = `${file('older.out')}.partial`;
    const child = start(args);
    const end = finished(child);
    await until('the equal lines are finished', child, () => existsSync(partial) && readFileSync(partial, 'utf8').split('\n').length > 3);
    child.kill('SIGKILL');
    await end;
    const [header, first] = readFileSync(partial, 'utf8').split('\n');
    const line = JSON.parse((JSON.parse(first!) as [number, string])[1]) as Record<string, unknown>;
    // What a line had before there were more: to the tokens, and where a program was stopped.
    const before = EXECUTED_FIELDS.slice(0, EXECUTED_FIELDS.indexOf('token_last') + 1);
    const older = { ...right, ...Object.fromEntries([...before, 'stopped_at'].map((name) => [name, line[name]])) };
    writeFileSync(partial, `${header!}\n${JSON.stringify([0, JSON.stringify(older)])}\n`);

    const { code, out, err } = await faultline([...args, '--json']);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ samples: 3, passed: 2, resumed: 1 });
    const rows = readLines(file('older.out'));
    expect(rows[0]).toEqual(older);
    for (const row of rows.slice(1)) expect(Object.keys(row)).toEqual(expect.arrayContaining([...EXECUTED_FIELDS]));
    expect(rows[2]).toMatchObject({ passed: true, stdout: '' });
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

  it('leaves all samples of a problem out whose test is at fault, also those that never came as far as the test', async () => {
    const faulty = {
      ...problem,
      task_id: 'Faulty/0',
      test: 'def check(candidate):\n    undefined_name\n    assert candidate(1, 2) == 3\n',
    };
    const both = writeLines(file('fault.problems.jsonl'), [problem, faulty]);
    const completions = ['    return (a\n', '    return a + b\n', '    return a\n', '    return (a\n'];
    const ids = ['Faulty/0', 'Faulty/0', 'Test/0', 'Test/0'];
    const lines = completions.map((completion, index) => ({ task_id: ids[index]!, completion, mine: index }));
    const samples = writeLines(file('fault.jsonl'), lines);
    const args = ['execute', '--problems', both, '--samples', samples, '--out', file('fault.out'), '--json'];
    const { code, out, err } = await faultline(args);
    expect(code, err).toBe(3);
    const rows = readLines(file('fault.out'));
    expect(rows.map(({ outcome, mine }) => [outcome, mine])).toEqual([['infra', 0], ['infra', 1], ['wrong', 2], ['syntax', 3]]); // prettier-ignore
    expect(rows[0]).toMatchObject({ passed: false, result: rows[1]!['result'], category_code: '0', failing_line: null });
    expect(JSON.parse(out)).toMatchObject({ samples: 4, judged: 2, passed: 0, outcomes: { infra: 2, wrong: 1, syntax: 1 } });
    expect(err).toMatch(/error: 2 samples not judged: the test of Faulty\/0 itself raised NameError: /);
  });

  it('names what is at fault with a problem, its prompt too, and where it is', async () => {
    const broken = { ...problem, task_id: 'Broken/0', prompt: `import no_such_module\n${problem.prompt}` };
    const silent = { ...problem, task_id: 'Silent/0', test: 'def verify(candidate):\n    assert candidate(1, 2) == 3\n' };
    const problems = writeLines(file('named.problems.jsonl'), [broken, silent]);
    const lines = [broken, silent, broken].map(({ task_id }, index) => ({
      task_id,
      completion: index === 2 ? '    return (\n' : '    return a + b\n',
    }));
    const samples = writeLines(file('named.jsonl'), lines);
    const { code, err } = await faultline(['execute', '--problems', problems, '--samples', samples, '--out', file('named.out')]);
    expect(code, err).toBe(3);
    expect(readLines(file('named.out')).map(({ outcome, category_code }) => [outcome, category_code])).toEqual(
      lines.map(() => ['infra', '0']),
    );
    expect(err).toMatch(
      /error: 2 samples not judged: the prompt of Broken\/0 itself does not load: line 1: ModuleNotFoundError: .*'no_such_module'; /,
    );
    expect(err).toMatch(/error: 1 sample not judged: the test of Silent\/0 never calls \w+\n/);
  });

  it('goes on with the calibration that it began with', async () => {
    const samples = writeLines(file('calibrated.jsonl'), [
      { task_id: 'Test/0', completion: '    return a + b\n' },
      { task_id: 'Test/0', completion: '    import time\n    time.sleep(2)\n    return a + b\n' },
    ]);
    // Two seconds are too much, three times the limit included.
    const env = { FAULTLINE_LIMITS_WALL_SECONDS: '0.3', FAULTLINE_SANDBOX_FRAGILE: 'false' };
    const args = (out: string) => ['execute', '--problems', problems, '--samples', samples, '--out', file(out), '--workers', '1'];
    const partial = `${file('calibrated.out')}.partial`;
    const child = start(args('calibrated.out'), { env });
    const end = finished(child);
    await until('one line is finished', child, () => existsSync(partial) && readFileSync(partial, 'utf8').split('\n').length > 2);
    child.kill('SIGKILL');
    await end;
    const [header, ...rest] = readFileSync(partial, 'utf8').split('\n');
    const { calibration, ...others } = JSON.parse(header!) as { calibration: number };
    expect(calibration).toBeGreaterThan(0);
    // As if the machine had been many times slower when the run began.
    writeFileSync(partial, [JSON.stringify({ ...others, calibration: 1 / 64 }), ...rest].join('\n'));
    const passed = async (out: string) => {
      const { code, err } = await faultline(args(out), { env });
      expect(code, err).toBe(0);
      return readLines(file(out)).map((row) => row['passed']);
    };
    expect(await passed('calibrated.out')).toEqual([true, true]);
    expect(await passed('fresh.out')).toEqual([true, false]);
  });

  it('stores nothing of a sample whose zygotes somebody kills, ends, and goes on from there', async () => {
    const lines = [
      { task_id: 'Test/0', completion: '    return a - b\n' },
      { task_id: 'Test/0', completion: '    import time\n    time.sleep(1)\n    return a + b - 2\n' },
    ];
    const samples = writeLines(file('killed.jsonl'), lines);
    const partial = `${file('killed.out')}.partial`;
    const args = ['execute', '--problems', problems, '--samples', samples, '--out', file('killed.out'), '--workers', '1'];
    const child = start(args);
    const end = finished(child);
    /** Ids of zygotes. */
    const killed = new Set<number>();
    while (killed.size < 3) {
      let zygote = 0;
      await until('the sleeping sample runs', child, () => {
        const all = descendants(child.pid);
        const zygotes = all.filter(({ command, pid }) => command.includes('zygote.py') && !killed.has(pid));
        const lasting = existsSync(partial) && readFileSync(partial, 'utf8').includes('[0,');
        zygote = zygotes.find((own) => lasting && all.some(({ pid, parent, session }) => parent === own.pid && session === pid))?.pid ?? 0;
        return zygote > 0;
      });
      killed.add(zygote);
      process.kill(zygote, 'SIGKILL');
    }
    const { code, err } = await end;
    expect(code).toBe(6);
    expect(err).toMatch(/error: the sandbox failed 3 times in a row: a sandbox zygote ended by signal 9/);
    expect(existsSync(file('killed.out'))).toBe(false);
    expect(readFileSync(partial, 'utf8')).not.toContain('[1,');

    expect((await faultline(args)).code).toBe(0);
    expect(readLines(file('killed.out')).map(({ outcome }) => outcome)).toEqual(['wrong', 'wrong']);
  });

  it('does not continue with other limits', async () => {
    const samples = writeLines(file('limits.jsonl'), [{ task_id: 'Test/0', completion: '    return a + b\n' }]);
    writeFileSync(`${file('limits.out')}.partial`, '{"faultline_partial":2,"fingerprint":"of another run"}\n[0,"{}"]\n');
    const { code, err } = await faultline(['execute', '--problems', problems, '--samples', samples, '--out', file('limits.out')]);
    expect(code).toBe(3);
    expect(err).toMatch(/limits\.out\.partial: holds the unfinished output of a run with other settings or inputs\nhint: Remove /);
  });
});
