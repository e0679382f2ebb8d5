/** `--shard` and `faultline merge` as a user meets them: parts that make the whole, to the bit, through kills; and what wrong ones get. */
import { copyFileSync, cpSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Store } from '../../../src/store/store.js';
import { faultline, finished, readLines, scratchFolder, start, until } from './faultline.js';

const folder = scratchFolder();
const file = (name: string) => path.join(folder, name);
const NAME = 'pico-gpt2-py-pico-tasks';
// More samples than are written at a time (batch-writer.ts), so that a kill after the first write leaves some to do.
const SIZE = ['--num-problems', '5', '--samples', '50', '--max-new-tokens', '96'];
const run = (name: string, ...more: string[]) => ['run', ...SIZE, '--outputs', file(name), '--db', file(`${name}.db`), ...more];

function stored<T>(name: string, read: (store: Store, id: number) => T): T {
  using store = Store.open(file(`${name}.db`), { readonly: true });
  return read(store, store.experiments()[0]!.id);
}
const digest = (name: string) => stored(name, (store, id) => store.resultDigest(id));
const shardsOf = (name: string) => stored(name, (store, id) => store.workShards(id).map(({ index, count }) => `${index}/${count}`));
const tasksOf = (name: string) => stored(name, (store, id) => [...store.doneSampleKeys(id, 'nucleus').keys()].sort());
const samplesOf = (name: string) => (existsSync(file(`${name}.db`)) ? stored(name, (store, id) => store.counts(id).samples) : 0);

describe('run --shard', () => {
  beforeAll(async () => {
    for (const [name, ...shard] of [['whole'], ['first', '--shard', '0/2'], ['second', '--shard', '1/2']] as const) {
      const { code, err } = await faultline(run(name, ...shard));
      expect(code, err).toBe(0);
    }
  });

  it('does every other problem, of the same experiment, and the database knows which', () => {
    expect([tasksOf('first'), tasksOf('second')]).toEqual([
      ['Pico/0', 'Pico/2', 'Pico/4'],
      ['Pico/1', 'Pico/3'],
    ]);
    expect([shardsOf('whole'), shardsOf('first'), shardsOf('second')]).toEqual([['0/1'], ['0/2'], ['1/2']]);
    expect(new Set(['whole', 'first', 'second'].map((name) => stored(name, (store) => store.experiments()[0]!.hash))).size).toBe(1);
  });

  it('reports that it is partial, everywhere', async () => {
    const { out } = await faultline(['report', '--db', file('first.db'), '--outputs', file('partial')]);
    expect(out.split('\n')[1]).toBe("partial: shard 0/2, 150 of the experiment's 250 samples of 5 problems");
    const json = JSON.parse(readFileSync(path.join(folder, 'partial', NAME, 'report.json'), 'utf8')) as { partial: unknown };
    expect(json.partial).toEqual({ samples: 250, problems: 5, shards: ['0/2'] });
    expect(json).toMatchObject({ feasibility: { decision: 'undecided', undecided: 'partial' } });
    const page = readFileSync(path.join(folder, 'partial', NAME, 'report.html'), 'utf8').replace(/\s+/g, ' ');
    expect(page).toContain('This report is partial: it covers 150 of the experiment’s 250 samples of 5 problems, those of shard 0/2.');
    const whole = await faultline(['analyze', '--db', file('whole.db'), '--json']);
    expect(JSON.parse(whole.out)).toMatchObject({ partial: null });
  });

  it('is merged to the whole, to the byte, arrays included', async () => {
    const { code, out, err } = await faultline(['merge', file('second.db'), file('first.db'), '--output', file('merged.db')]);
    expect([code, out], err).toEqual([0, `${NAME}: 250 of 250 samples in ${file('merged.db')}\n`]);
    expect(digest('merged')).toBe(digest('whole'));
    // So that README's merge and report say what one run would, of the texts too.
    const texts = (name: string) => stored(name, (store, id) => [...store.textMeasures(id)]);
    expect(texts('merged')).toEqual(texts('whole'));
    expect(texts('merged')).toHaveLength(250);
    // But for the seconds that executions took, which each run has its own of.
    const report = async (name: string) =>
      (await faultline(['analyze', '--db', file(`${name}.db`)])).out.replace(/(?<=  )\d+\.\d\d(?=  [–\d])/g, 's');
    expect(await report('merged')).toBe(await report('whole'));
    // And it goes on as a whole: there is nothing left to do.
    const again = await faultline([...run('merged'), '--json']);
    expect(JSON.parse(again.out)).toMatchObject({ generated: 0, executed: 0, shards: ['0/2', '1/2'] });
    expect(digest('merged')).toBe(digest('whole'));
  });

  it('goes on after kill -9 as the shard that it was, told so or not', async () => {
    for (const more of [[], ['--shard', '0/2']]) {
      const name = `killed${more.length}`;
      const child = start(run(name, '--shard', '0/2', '--batch', '2', '--threads', '1'));
      const end = finished(child);
      await until('some samples are stored', child, () => {
        try {
          return samplesOf(name) > 0;
        } catch {
          return false; // still being created
        }
      });
      child.kill('SIGKILL');
      await end;
      expect(samplesOf(name)).toBeLessThan(150);
      const { code, err } = await faultline(run(name, ...more));
      expect(code, err).toBe(0);
      expect(err).toContain('working on shard 0/2');
      expect(digest(name)).toBe(digest('first'));
      expect(shardsOf(name)).toEqual(['0/2']);
    }
  });

  it('takes the other shards of its n into the same database, one after the other', async () => {
    copyFileSync(file('first.db'), file('both.db'));
    cpSync(file('first.db.shards'), file('both.db.shards'), { recursive: true });
    const { code, err, out } = await faultline([...run('both', '--shard', '1/2'), '--json']);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ generated: 100, shards: ['0/2', '1/2'], report: { partial: null } });
    expect(digest('both')).toBe(digest('whole'));
  });

  it.each([
    ['2/2', '--shard: expected a shard i/n with i from 0 to n - 1, such as 0/2 or 1/2, got "2/2"'],
    ['x', '--shard: expected a shard i/n'],
    ['0/0', '--shard: expected a shard i/n'],
    ['0/3', '--shard: 0/3 does not fit the database, which holds shard 0/2 of this experiment'],
    ['0/6', '--shard: 0/6 of 5 problems: some shards would hold none'],
  ])('%s into that database ends with code 2 and changes nothing', async (shard, message) => {
    const before = digest('first');
    const { code, out, err } = await faultline(run('first', '--shard', shard));
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^error: .*\nhint: .*\.\n$/);
    expect(err).toContain(message);
    expect([digest('first'), shardsOf('first')]).toEqual([before, ['0/2']]);
  });

  it('is refused where the whole is there', async () => {
    const { code, err } = await faultline(run('whole', '--shard', '0/2'));
    expect([code, err]).toEqual([
      2,
      expect.stringContaining('--shard: 0/2 does not fit the database, which holds the whole of this experiment'),
    ]);
  });
});

describe('merge', () => {
  it('names the first sample and column of a conflict, and writes nothing', async () => {
    // The same experiment by its hash, drawn with another seed: what a wrong copy of a database would look like.
    const other = await faultline(run('other', '--seed', '2', '--shard', '0/2'));
    expect(other.code, other.err).toBe(0);
    const refused = await faultline(['merge', file('first.db'), file('other.db'), '--output', file('no.db')]);
    expect([refused.code, refused.out]).toEqual([3, '']);
    expect(refused.err).toContain(
      `error: ${file('other.db')}: holds another experiment than ${file('first.db')}: seed is "2", and "1" there\n`,
    );

    const { default: Database } = await import('better-sqlite3');
    const hash = stored('first', (store) => store.experiments()[0]!.hash);
    const forged = new Database(file('other.db'));
    forged.prepare('UPDATE experiments SET hash = ?').run(hash);
    forged.close();
    const conflict = await faultline(['merge', file('first.db'), file('other.db'), '--output', file('no.db')]);
    expect([conflict.code, conflict.out]).toEqual([3, '']);
    expect(conflict.err).toMatch(
      /error: .*other\.db: sample \d of Pico\/0 \(strategy \w+\): samples\.\w+ differs from the one in .*first\.db\nhint: Nothing has been merged\./,
    );
    expect(existsSync(file('no.db'))).toBe(false);
  });

  it.each([
    ['without an output', ['merge', 'a.db'], "required option '--output <file>' not specified"],
    ['without a database', ['merge', '--output', 'c.db'], "missing required argument 'databases'"],
  ])('%s', async (_, args, message) => {
    const { code, err } = await faultline(args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe('generate --shard', () => {
  it('writes the lines of its problems, and both make the whole, numbers included', async () => {
    const generate = async (name: string, ...more: string[]) => {
      const { code, err } = await faultline(['generate', ...SIZE, '--logprobs', '--out', file(name), ...more]);
      expect(code, err).toBe(0);
      return readFileSync(file(name), 'utf8').trimEnd().split('\n');
    };
    const whole = await generate('whole.jsonl');
    const first = await generate('0.jsonl', '--shard', '0/2');
    const second = await generate('1.jsonl', '--shard', '1/2', '--batch', '3');
    expect([first.length, second.length]).toEqual([150, 100]);
    const inFile = (line: string) => whole.indexOf(line);
    expect([...first, ...second].sort((a, b) => inFile(a) - inFile(b))).toEqual(whole);
    expect(new Set(readLines(file('1.jsonl')).map(({ task_id }) => task_id))).toEqual(new Set(['Pico/1', 'Pico/3']));
  });

  it('does not go on with the unfinished file of another shard', async () => {
    const args = (shard: string) => [
      'generate',
      ...SIZE,
      '--out',
      file('killed.jsonl'),
      '--batch',
      '2',
      '--threads',
      '1',
      '--shard',
      shard,
    ];
    const child = start(args('0/2'));
    const end = finished(child);
    await until('a line is kept', child, () => existsSync(file('killed.jsonl.partial')) && readFileSync(file('killed.jsonl.partial'), 'utf8').split('\n').length > 2); // prettier-ignore
    child.kill('SIGKILL');
    await end;
    const other = await faultline(args('1/2'));
    expect([other.code, other.err]).toEqual([3, expect.stringContaining('holds the unfinished output of a run with other settings')]);
    expect((await faultline(args('0/2'))).code).toBe(0);
    expect(readLines(file('killed.jsonl'))).toHaveLength(150);
  });
});
