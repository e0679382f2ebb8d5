/** The files of a report: all of them or none, and one clear error where they cannot be. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { summarise } from '../../../src/reports/summary.js';
import { writeReport } from '../../../src/reports/write-report.js';
import type { JudgedSample } from '../../../src/store/types.js';
import { CATEGORIES, EXPERIMENT, judgedSamples } from './judged-samples.js';

const rows = judgedSamples(6, 5);
const data = summarise(EXPERIMENT, rows, { categories: CATEGORIES, resamples: 199 });
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-report-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const ALL = [
  'categories.csv',
  'categories.svg',
  'outcomes.csv',
  'pass-at-k.csv',
  'pass-at-k.svg',
  'problems.csv',
  'problems.svg',
  'report.html',
  'report.json',
  'text_view.csv',
];

/** What a rejected call says. */
async function refusal(promise: Promise<unknown>): Promise<FaultlineError> {
  const thrown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(thrown).toBeInstanceOf(FaultlineError);
  return thrown as FaultlineError;
}

describe('writeReport', () => {
  it('creates the folder, writes every file, and leaves nothing else', async () => {
    const target = join(folder, 'deep', 'er');
    const paths = await writeReport(target, data);
    expect(readdirSync(target).sort()).toEqual(ALL);
    expect(paths[0]).toBe(join(target, 'report.html'));
    expect(paths.map((path) => path.slice(target.length + 1)).sort()).toEqual(ALL);
    expect(JSON.parse(readFileSync(join(target, 'report.json'), 'utf8'))).toMatchObject({ schema: 'faultline.report' });
  });

  it('writes samples.csv where it is given the samples', async () => {
    await writeReport(folder, data, { samples: rows });
    expect(readFileSync(join(folder, 'samples.csv'), 'utf8').split('\r\n')).toHaveLength(rows.length + 2);
  });

  it('replaces an older report, with the same bytes for the same data', async () => {
    writeFileSync(join(folder, 'report.html'), 'old');
    await writeReport(folder, data);
    const first = ALL.map((name) => readFileSync(join(folder, name), 'utf8'));
    await writeReport(folder, data);
    expect(ALL.map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(first);
    expect(first[ALL.indexOf('report.html')]).toMatch(/^<!doctype html>/);
  });

  it('changes nothing when one of the places is a folder', async () => {
    mkdirSync(join(folder, 'problems.csv'));
    writeFileSync(join(folder, 'report.html'), 'old');
    const error = await refusal(writeReport(folder, data));
    expect(error.kind).toBe('output');
    expect(error.message).toContain(join(folder, 'problems.csv'));
    expect(readdirSync(folder).sort()).toEqual(['problems.csv', 'report.html']);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toBe('old');
  });

  it('keeps the old report when the samples fail half-way', async () => {
    writeFileSync(join(folder, 'report.html'), 'old');
    function* broken(): Generator<JudgedSample> {
      yield rows[0]!;
      throw new FaultlineError('input', 'the database is damaged');
    }
    const error = await refusal(writeReport(folder, data, { samples: broken() }));
    expect(error.message).toBe('the database is damaged');
    expect(readdirSync(folder)).toEqual(['report.html']);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toBe('old');
  });

  it('names a folder that is a file', async () => {
    const file = join(folder, 'taken');
    writeFileSync(file, '');
    const error = await refusal(writeReport(file, data));
    expect(error.kind).toBe('output');
    expect(error.message).toContain(file);
    expect(error.hint).toMatch(/folder/);
  });

  // Root writes everywhere; the two cases above are its share.
  it.skipIf(process.getuid?.() === 0)('names a folder that is not writable', async () => {
    chmodSync(folder, 0o500);
    const error = await refusal(writeReport(folder, data));
    chmodSync(folder, 0o700);
    expect(error.kind).toBe('output');
    expect(error.message).toContain(folder);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('start-up', () => {
  it('loads Vega only when a plot is drawn: no module of the reports imports its values statically', () => {
    const root = new URL('../../../src/reports/', import.meta.url);
    const modules = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    expect(modules.length).toBeGreaterThan(20);
    const eager = modules.filter((name) => /^import (?!type).*from 'vega/m.test(readFileSync(new URL(name, root), 'utf8')));
    expect(eager).toEqual([]);
  });
});
