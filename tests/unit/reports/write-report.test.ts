/** The files of a report: all of them or none, and one clear error where they cannot be. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultlineError } from '../../../src/errors.js';
import { PLOT_NAMES } from '../../../src/reports/render/plots/render.js';
import { TABLES } from '../../../src/reports/render/tables/index.js';
import { REPORT_FILES, writeReport } from '../../../src/reports/write-report.js';
import type { JudgedSample } from '../../../src/store/types.js';
import { CATEGORIES, analysedReport, judgedSamples, measuredSamples, placed } from './judged-samples.js';

const rows = placed(judgedSamples(6, 20));
const data = analysedReport(rows, { categories: CATEGORIES, resamples: 199, texts: measuredSamples(rows) });
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-report-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const FIGURES = PLOT_NAMES.flatMap((name) => [`figures/${name}.pdf`, `figures/${name}.svg`]);
const ALL = [
  'methods.txt',
  'report.html',
  'report.json',
  'tables/methods.tex',
  ...FIGURES,
  ...TABLES.flatMap(({ name }) => [`tables/${name}.csv`, `tables/${name}.tex`]),
].sort();

/** Every file below a folder. */
function filesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

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
    expect(filesBelow(target)).toEqual(ALL);
    expect(readdirSync(target).sort()).toEqual(['figures', 'methods.txt', 'report.html', 'report.json', 'tables']);
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
    mkdirSync(join(folder, 'tables', 'problems.csv'), { recursive: true });
    writeFileSync(join(folder, 'report.html'), 'old');
    const error = await refusal(writeReport(folder, data));
    expect(error.kind).toBe('output');
    expect(error.message).toContain(join(folder, 'tables', 'problems.csv'));
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['report.html', 'tables', join('tables', 'problems.csv')]);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toBe('old');
  });

  it('changes nothing when the place of a folder is taken by a file', async () => {
    writeFileSync(join(folder, 'figures'), '');
    const error = await refusal(writeReport(folder, data));
    expect(error).toMatchObject({ kind: 'output', place: { file: join(folder, 'figures') } });
    expect(readdirSync(folder)).toEqual(['figures']);
  });

  it('removes a figure of an earlier report that there is nothing to draw of', async () => {
    await writeReport(folder, data);
    const passes = analysedReport(
      rows.filter(({ outcome }) => outcome === 'pass'),
      { categories: CATEGORIES, resamples: 199 },
    );
    await writeReport(folder, passes);
    expect(filesBelow(folder)).toEqual(
      ALL.filter((name) => !/^figures\/(categories|failure-position|first-divergence|text-view)\./.test(name)),
    );
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

  it('changes nothing where it is stopped, at whatever pause, and writes all the next time', async () => {
    const old = 'report.html';
    writeFileSync(join(folder, old), 'old');
    let pauses = 0;
    const counting = (): Promise<void> => {
      pauses++;
      return Promise.resolve();
    };
    await writeReport(join(folder, 'whole'), data, { samples: rows, pause: counting });
    rmSync(join(folder, 'whole'), { recursive: true });
    // One after each figure drawn, table and figure rendered, and one before each file and each line of the samples' file.
    expect(pauses).toBeGreaterThan(2 * PLOT_NAMES.length + 3 * TABLES.length + rows.length);
    for (const last of [1, PLOT_NAMES.length + 1, Math.floor(pauses / 2), pauses - 1, pauses]) {
      let seen = 0;
      const reason = new Error(`stopped at ${last}`);
      const pause = (): Promise<void> => (++seen === last ? Promise.reject(reason) : Promise.resolve());
      await expect(writeReport(folder, data, { samples: rows, pause })).rejects.toBe(reason);
      expect(readdirSync(folder)).toEqual([old]);
      expect(readFileSync(join(folder, old), 'utf8')).toBe('old');
    }
    await writeReport(folder, data, { samples: rows });
    expect(filesBelow(folder)).toEqual([...ALL, 'samples.csv'].sort());
    expect([...REPORT_FILES].sort()).toEqual(filesBelow(folder));
    expect(readFileSync(join(folder, old), 'utf8')).toMatch(/^<!doctype html>/);
  }, 60_000);

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
  it('loads Vega and pdfkit only when a plot is drawn: no module of the reports imports their values statically', () => {
    const root = new URL('../../../src/reports/', import.meta.url);
    const modules = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    expect(modules.length).toBeGreaterThan(20);
    const eager = modules.filter((name) => /^import (?!type).*from '(vega|pdfkit)/m.test(readFileSync(new URL(name, root), 'utf8')));
    expect(eager).toEqual([]);
  });
});
