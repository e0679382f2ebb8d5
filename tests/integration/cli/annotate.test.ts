/** `faultline annotate` as a user types it, on the database of a small run: draw, label through a pipe, score, and what is refused. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTable } from '../../../src/reports/annotation/table.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { faultline, finished, scratchFolder, start, until } from './faultline.js';

const folder = scratchFolder();
const db = path.join(folder, 'outputs', 'faultline.db');
const drawn = path.join(folder, 'drawn');
const at = (name: string): string => path.join(drawn, name);
const annotate = (...args: string[]): ReturnType<typeof faultline> => faultline(['annotate', ...args], { cwd: folder });
const label = (input: string, ...args: string[]): ReturnType<typeof faultline> =>
  faultline(['annotate', 'label', ...args], { cwd: folder, input });

const table = (file: string) => readTable(readFileSync(file, 'utf8'), file, [], 'table').rows.map(({ cells }) => cells);
const labels = (file: string) => table(file).map((cells) => cells['label']!);

beforeAll(async () => {
  const run = await faultline(['run', '--num-problems', '12', '--samples', '10'], { cwd: folder });
  expect(run.code, run.err).toBe(0);
  const draw = await annotate('draw', '--db', db, '--n', '30', '--floor', '2', '--output', drawn);
  expect(draw.code, draw.err).toBe(0);
}, 180_000);

describe('faultline annotate draw', () => {
  it('draws every leaf, the same rows each time, and says where they are', async () => {
    const again = path.join(folder, 'again');
    const args = ['draw', '--db', db, '--n', '30', '--floor', '2', '--output', again];
    const { code, out, err } = await annotate(...args, '--json');
    expect([code, err]).toEqual([0, '']);
    const said = JSON.parse(out) as { rows: number; leaves: number; failures: number; draw: string };
    expect(said).toMatchObject({ rows: 30, experiment: 'pico-gpt2-py-pico-tasks', otherwiseStored: 0 });
    for (const name of ['blind.csv', 'key.csv', 'codebook.md']) {
      expect(readFileSync(path.join(again, name))).toEqual(readFileSync(at(name)));
    }
    // By the database: leaves and failures are all there are.
    const query = await faultline(['query', "SELECT count(*), count(DISTINCT category_code) FROM failures", '--db', db, '--json']); // prettier-ignore
    expect((JSON.parse(query.out) as { rows: unknown[] }).rows).toEqual([[said.failures, said.leaves]]);
    const key = table(at('key.csv'));
    expect(new Set(key.map((row) => row['category_code'])).size).toBe(said.leaves);
    expect(key.reduce((sum, row) => sum + Number(row['weight']), 0)).toBeCloseTo(said.failures, 6);
    const stored = await faultline(['query', 'SELECT task_id, sample_index, category_code FROM failures', '--limit', '1000', '--db', db, '--json']); // prettier-ignore
    const decided = new Set((JSON.parse(stored.out) as { rows: unknown[][] }).rows.map((row) => row.join(' ')));
    for (const row of key) expect(decided).toContain(`${row['task_id']} ${row['sample_index']} ${row['category_code']}`);
    // The sheet tells the same programs, and no leaf.
    const blind = readFileSync(at('blind.csv'), 'utf8');
    for (const { name } of CATEGORIES.filter((leaf) => leaf.name.includes('.'))) expect(blind).not.toContain(name);
    expect((await annotate(...args)).code).toBe(0);
    expect((await annotate(...args, '--seed', '1')).err).toContain('is there already, with another content');
  });

  it('goes to the outputs of its experiment, and says where there are fewer failures than asked for', async () => {
    const { code, out, err } = await annotate('draw', '--db', db, '--n', '5000');
    expect([code, err]).toEqual([0, expect.stringMatching(/^there are only \d+ failures: all of them were drawn\n$/)]);
    const blind = path.join('outputs', 'pico-gpt2-py-pico-tasks', 'annotation', 'blind.csv');
    expect(out).toContain(blind);
    expect(existsSync(path.join(folder, blind))).toBe(true);
  });

  it.each([
    [['--n', '3'], 2, '--n 3 is too few', '--floor'],
    [['--n', '0'], 2, '--n must be a whole number', '--n 1000'],
    [['--seed', '-1'], 2, '--seed must be', '--seed 7'],
    [['--seed', '18446744073709551616'], 2, '--seed must be', '--seed 7'],
    [['--experiment', 'other'], 3, 'holds no experiment other', 'pico-gpt2-py-pico-tasks'],
    [['--output', '/dev/null/labels'], 5, '/dev/null/labels', '--output'],
  ])('refuses %j', async (args, code, message, hint) => {
    const failed = await annotate('draw', '--db', db, ...args);
    expect([failed.code, failed.out]).toEqual([code, '']);
    expect(failed.err).toContain(message);
    expect(failed.err.split('hint:')[1]).toContain(hint);
  });
});

describe('faultline annotate label', () => {
  it('labels through a pipe, keeps what was said, and goes on there', async () => {
    const first = await label('8.3\nprinted\ny\nn =maybe\ns\n4.1\nq\n', at('blind.csv'), '--annotator', 'ann');
    expect(first.code, first.err).toBe(0);
    expect(first.out).toBe(`3 of 30 rows labelled in ${at('blind.ann.csv')}\n`);
    expect(first.err).toContain('F001, Pico/');
    expect(labels(at('blind.ann.csv')).slice(0, 5)).toEqual(['wrong.type', 'wrong.printed', '', 'crash.name_error', '']);
    expect(table(at('blind.ann.csv'))[2]!['note']).toBe('=maybe');
    expect(readFileSync(at('blind.ann.csv'), 'utf8')).toContain(`,'=maybe\r\n`);
    // The rest of the sheet is what it was, and the blind one is still blank.
    const strip = (file: string) => table(file).map((cells) => ({ ...cells, label: '', note: '' }));
    expect(strip(at('blind.ann.csv'))).toEqual(strip(at('blind.csv')));
    expect(labels(at('blind.csv')).filter(Boolean)).toEqual([]);

    // The end of the input is an end, too; either file goes on with the same one.
    const second = await label('8.1\n', at('blind.csv'), '--annotator', 'ann', '--json');
    expect(JSON.parse(second.out)).toMatchObject({ annotator: 'ann', rows: 30, labelled: 4, file: at('blind.ann.csv') });
    expect((JSON.parse(second.out) as { missing: string[] }).missing.slice(0, 2)).toEqual(['F005', 'F006']);
    const third = await label('8.1\n'.repeat(40), at('blind.ann.csv'), '--annotator', 'ann');
    expect(third.out).toBe(`30 of 30 rows labelled in ${at('blind.ann.csv')}\n`);
    expect(labels(at('blind.ann.csv')).slice(0, 4)).toEqual(['wrong.type', 'wrong.printed', 'wrong.none', 'crash.name_error']);
  });

  it('has each label on disk before the next row, so that a kill costs none', async () => {
    const child = start(['annotate', 'label', at('blind.csv'), '--annotator', 'killed'], { cwd: folder, input: '' });
    let said = '';
    child.stderr!.on('data', (text: Buffer) => (said += text.toString()));
    child.stdin!.write('8.3\n');
    await until('the second row was shown', child, () => said.includes('F002, '));
    child.kill('SIGKILL');
    await finished(child);
    expect(labels(at('blind.killed.csv')).filter(Boolean)).toEqual(['wrong.type']);
  });

  it('stops at Ctrl-C with the command that goes on', async () => {
    const child = start(['annotate', 'label', at('blind.csv'), '--annotator', 'stopped'], { cwd: folder, input: '' });
    let said = '';
    child.stderr!.on('data', (text: Buffer) => (said += text.toString()));
    child.stdin!.write('8.3\n');
    await until('the second row was shown', child, () => said.includes('F002, '));
    child.kill('SIGINT');
    const { code, out } = await finished(child);
    expect([code, out]).toEqual([130, '']);
    expect(said).toContain('faultline annotate label');
    expect(labels(at('blind.stopped.csv')).filter(Boolean)).toEqual(['wrong.type']);
  });

  it('overwrites nothing that another session or a spreadsheet has written meanwhile', async () => {
    const child = start(['annotate', 'label', at('blind.csv'), '--annotator', 'twice'], { cwd: folder, input: '' });
    let said = '';
    child.stderr!.on('data', (text: Buffer) => (said += text.toString()));
    await until('the first row was shown', child, () => said.includes('F001, '));
    expect((await label('4.1\n4.4\n', at('blind.csv'), '--annotator', 'twice')).code).toBe(0);
    child.stdin!.write('8.3\n');
    const { code } = await finished(child);
    expect([code, said]).toEqual([5, expect.stringContaining('was changed by something else')]);
    expect(labels(at('blind.twice.csv')).filter(Boolean)).toEqual(['crash.name_error', 'crash.type_error']);
  });

  it('refuses what is no blind sheet, or another one', async () => {
    const other = path.join(folder, 'other');
    expect((await annotate('draw', '--db', db, '--n', '40', '--floor', '2', '--output', other)).code).toBe(0);
    copyFileSync(path.join(other, 'blind.csv'), at('other.csv'));
    await label('8.3\n', at('blind.csv'), '--annotator', 'begun');
    for (const [args, code, message] of [
      [[at('blind.begun.csv'), '--annotator', 'ben'], 3, 'holds 1 labels already'],
      [[at('other.csv'), '--annotator', 'ben', '--output', at('blind.begun.csv')], 3, 'is of draw'],
      [[at('key.csv'), '--annotator', 'ben'], 3, 'is no sheet of a draw'],
      [[at('none.csv'), '--annotator', 'ben'], 3, 'no such file'],
      [[at('blind.csv'), '--annotator', '../ben'], 2, '--annotator'],
      [[at('blind.csv'), '--annotator', 'ben', '--output', path.join(folder, 'no', 'ben.csv')], 5, 'cannot be written'],
    ] as const) {
      const failed = await label('8.3\n', ...args);
      expect([failed.code, failed.out], args.join(' ')).toEqual([code, '']);
      expect(failed.err).toContain(message);
      expect(failed.err).toContain('hint:');
    }
    expect(readdirSync(drawn).filter((name) => name.includes('ben.csv'))).toEqual([]);
  });
});

describe('faultline annotate score', () => {
  const sheets = path.join(folder, 'sheets');
  const sheet = (name: string): string => path.join(sheets, name);
  /** A sheet filled in by `fill`, from the key's code of a row and its index. */
  const fill = (name: string, say: (category: string, index: number) => string): string => {
    mkdirSync(sheets, { recursive: true });
    const rows = table(at('key.csv')).map((row, index) => [row['draw'], row['id'], say(row['category']!, index)].join(','));
    writeFileSync(sheet(name), ['draw,id,label', ...rows, ''].join('\n'));
    return sheet(name);
  };

  it('tells how two people agree, and the classifier with them', async () => {
    const ann = fill('blind.ann.csv', (category) => category);
    const ben = fill('blind.ben.csv', (category, index) => (index < 3 ? 'exit.signal' : index < 5 ? '' : category));
    const { code, out, err } = await annotate('score', at('key.csv'), ann, ben);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('ann: 30 labelled\n');
    expect(out).toContain('ben: 28 labelled; only these count. Without a label: F004, F005\n');
    expect(out).toMatch(/^leaf +0\.\d{3} +0\.\d{3} to [01]\.\d{3} +89\.3 %$/m);
    expect(out).toMatch(/^ann +30 +100\.0 %/m);
    expect(out).toContain('where the classifier and ben differ');
    expect(out).not.toContain('where the classifier and ann differ');
    const json = JSON.parse((await annotate('score', at('key.csv'), ann, ben, '--json')).out) as {
      between: { rows: number };
      precision: { against: string; rows: number; overall: { leaf: { value: number } } }[];
      annotators: { missing: string[] }[];
    };
    expect(json.between.rows).toBe(28);
    expect(json.precision.map(({ against, rows }) => [against, rows])).toEqual([['ann', 30], ['ben', 28], ['both', 25]]); // prettier-ignore
    expect(json.precision[0]!.overall.leaf.value).toBe(1);
    expect(json.annotators[1]!.missing).toEqual(['F004', 'F005']);
    expect((await annotate('score', at('key.csv'), ann)).out).not.toContain('agreement');
  });

  it('refuses labels and rows that it cannot count, with file and line', async () => {
    const ann = fill('ann.csv', (category) => category);
    const text = readFileSync(ann, 'utf8');
    const change = (name: string, from: RegExp, to: string): string => {
      writeFileSync(sheet(name), text.replace(from, to));
      return sheet(name);
    };
    for (const [file, message, hint] of [
      [change('unknown.csv', /(F002),.*/, '$1,crash'), 'unknown.csv:3: F002: unknown label "crash"', '4.1 crash.name_error'],
      [
        change('number.csv', /(F002),.*/, '$1,4.1'),
        'number.csv:3: F002: the label 4.1 may be what a spreadsheet made of 4.10',
        'crash.other',
      ],
      [change('twice.csv', /F003/, 'F002'), 'twice.csv:4: has F002 again, which stands in line 3', 'Remove'],
      [change('alien.csv', /F030/, 'F031'), 'alien.csv:31: the key has no row "F031"', 'F001 to F030'],
      [change('draw.csv', /^[0-9a-f]{12},/gm, '000000000000,'), 'draw.csv: is of draw 000000000000', 'key'],
      [at('codebook.md'), 'is no CSV', 'Save it as CSV'],
    ] as const) {
      const failed = await annotate('score', at('key.csv'), ann, file);
      expect([failed.code, failed.out], file).toEqual([3, '']);
      expect(failed.err).toContain(message);
      expect(failed.err.split('hint:')[1]).toContain(hint);
    }
    expect((await annotate('score', at('key.csv'), ann, ann)).err).toContain('was given twice');
    expect((await annotate('score', ann, at('key.csv'))).err).toContain('is no key of a draw');
  });
});
