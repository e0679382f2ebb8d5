/** Results of two versions of Python are never mixed: neither in an experiment nor in a file of verdicts. Needs two interpreters. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { faultline, finished, scratchFolder, start, until, writeLines } from './faultline.js';

const folder = scratchFolder();

/** Interpreters by full version: those on PATH by the names of their minor versions, and those that pyenv has built. */
function interpreters(): Map<string, string> {
  const built = path.join(homedir(), '.pyenv', 'versions');
  const candidates = [
    ...['3.9', '3.10', '3.11', '3.12', '3.13'].map((version) => `python${version}`),
    ...(existsSync(built) ? readdirSync(built).map((name) => path.join(built, name, 'bin', 'python3')) : []),
  ];
  const found = new Map<string, string>();
  for (const candidate of candidates) {
    const { status, stdout } = spawnSync(candidate, ['-c', 'import platform; print(platform.python_version())'], { encoding: 'utf8' });
    if (status === 0 && /^3\.(9|1\d)\./.test(stdout)) found.set(stdout.trim(), candidate);
  }
  return found;
}

const [first, second] = [...interpreters()].filter(([version], index, all) => {
  const minor = (text: string): string => text.split('.').slice(0, 2).join('.');
  return all.findIndex(([other]) => minor(other) === minor(version)) === index;
});
const enough = first !== undefined && second !== undefined;

describe.skipIf(!enough)(`two versions of Python${enough ? '' : ' (skipped: this machine has one)'}`, () => {
  const [oneVersion, one] = first ?? ['', ''];
  const [otherVersion, other] = second ?? ['', ''];

  it('are not mixed in an experiment', async () => {
    const outputs = path.join(folder, 'outputs');
    const args = (python: string, ...more: string[]) => ['run', '--num-problems', '2', '--samples', '2', '--max-new-tokens', '24', '--outputs', outputs, '--python', python, ...more]; // prettier-ignore
    expect((await faultline(args(one))).code).toBe(0);
    const database = path.join(outputs, 'faultline.db');
    // A finished experiment needs no interpreter; take its verdicts away, as if it had been stopped before them.
    const pending = path.join(outputs, 'pending.db');
    copyFileSync(database, pending);
    const raw = new Database(pending);
    raw.exec('DELETE FROM verdicts WHERE sample_id % 2 = 0');
    raw.close();
    const mixed = await faultline([...args(other), '--db', pending]);
    expect([mixed.code, mixed.err]).toEqual([
      4,
      expect.stringContaining(
        `was begun with Python ${oneVersion}, and here it is ${otherVersion}\nhint: To go on, set sandbox.python to that Python`,
      ),
    ]);
    using store = Store.open(pending, { readonly: true });
    expect(store.experiments().map(({ pythonVersion }) => pythonVersion)).toEqual([oneVersion]);
    expect(store.counts(store.experiments()[0]!.id)).toMatchObject({ samples: 4, executed: 2 });
  });

  it('are not mixed in a file', async () => {
    const problem = { task_id: 'T/0', prompt: 'def f(x):\n', entry_point: 'f', canonical_solution: '', test: 'assert f(1) == 1\n' };
    const problems = writeLines(path.join(folder, 'problems.jsonl'), [problem]);
    // Each sleeps a little, so that there is a middle to be killed in.
    const completion = (n: number): string => `    import time\n    time.sleep(0.05)\n    return x + ${n} - ${n}\n`;
    const lines = Array.from({ length: 60 }, (_, n) => ({ task_id: 'T/0', completion: completion(n) }));
    const samples = writeLines(path.join(folder, 'samples.jsonl'), lines);
    const out = path.join(folder, 'out.jsonl');
    const args = (python: string) => ['execute', '--problems', problems, '--samples', samples, '--out', out, '--python', python];
    const child = start(args(one));
    const end = finished(child);
    const partial = `${out}.partial`;
    await until('some lines are finished', child, () => existsSync(partial) && readFileSync(partial, 'utf8').split('\n').length > 4);
    child.kill('SIGKILL');
    await end;
    const mixed = await faultline(args(other));
    expect([mixed.code, mixed.err]).toEqual([
      4,
      expect.stringContaining(
        `was begun with Python ${oneVersion}, and here it is ${otherVersion}\nhint: To go on, set sandbox.python to that Python`,
      ),
    ]);
    expect((await faultline(args(one))).code).toBe(0);
  });
});
