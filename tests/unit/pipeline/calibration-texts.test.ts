/** What is left of measuring, deciding again and reporting: counted, and times what one costs, which is given here. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultValues } from '../../../src/config/defaults.js';
import type { Ahead } from '../../../src/pipeline/ahead.js';
import { reportEstimate } from '../../../src/pipeline/calibration-report.js';
import { classifyEstimate, measureEstimate } from '../../../src/pipeline/calibration-texts.js';
import { createCategoryView } from '../../../src/pipeline/category-view.js';
import { measureStored } from '../../../src/pipeline/measure.js';
import type * as Seconds from '../../../src/pipeline/seconds-each.js';
import { Store } from '../../../src/store/store.js';
import { CATEGORIES } from '../../../src/taxonomy/categories.js';
import { measureText } from '../../../src/text-metrics/measure-text.js';
import { loadGrammar } from '../../../src/text-metrics/syntax-tree.js';
import { execution, manifest, problems, sample } from '../store/rows.js';

const EACH = 0.25;
/** What was measured: the real work is done once on each item. */
const measured: unknown[] = [];
vi.mock('../../../src/pipeline/seconds-each.js', async (original) => ({
  ...(await original<typeof Seconds>()),
  secondsEach: (items: Iterable<unknown>, work: (item: unknown) => number) => {
    let units = 0;
    for (const item of items) {
      measured.push(item);
      units += work(item);
    }
    return units === 0 ? null : EACH;
  },
}));

const PROBLEMS = problems(4);
const view = createCategoryView(defaultValues(), CATEGORIES);
const never = new AbortController().signal;
let folder: string;
let store: Store;
let ahead: Ahead & { readonly experimentId: number };
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'faultline-calibration-'));
  store = Store.open(path.join(folder, 'faultline.db'));
  const { id } = store.beginExperiment(manifest());
  store.addProblems(id, PROBLEMS);
  ahead = { store, experimentId: id, problems: PROBLEMS };
  measured.length = 0;
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});
const add = (from: number, to: number): void => {
  for (let index = from; index < to; index++)
    store.addSamples(ahead.experimentId, PROBLEMS.map((problem) => sample(problem, index))); // prettier-ignore
};
const judge = (from: number, to: number): void => {
  for (let index = from; index < to; index++)
    store.addExecutions(ahead.experimentId, PROBLEMS.map((problem) => execution(problem, index))); // prettier-ignore
};

describe('measuring', () => {
  it('is of the samples that are left, stored ones and those to come, and of none where none is', async () => {
    add(0, 5);
    expect(await measureEstimate(ahead, 0, true)).toMatchObject({ seconds: 20 * EACH, basis: '20 samples, 4.0/s measured on 20 of them' });
    const digest = store.resultDigest(ahead.experimentId);
    expect(await measureEstimate(ahead, 100, true)).toMatchObject({ seconds: 120 * EACH });
    // Nothing of it is stored.
    expect([store.measuredCount(ahead.experimentId), store.resultDigest(ahead.experimentId)]).toEqual([0, digest]);

    await measureStored(store, ahead.experimentId, never, () => undefined);
    add(5, 7);
    const left = (await measureEstimate(ahead, 0, true))!;
    expect(left).toMatchObject({ seconds: 8 * EACH, basis: expect.stringContaining('8 samples') as string });
    expect(left.diskBytes * 3).toBe((await measureEstimate(ahead, 16, true))!.diskBytes);
    await measureStored(store, ahead.experimentId, never, () => undefined);
    expect(await measureEstimate(ahead, 0, true)).toBeNull();
    // Of those that a run draws nothing is there yet.
    expect(await measureEstimate(ahead, 30, true)).toMatchObject({
      seconds: 30 * EACH,
      basis: expect.stringContaining('measured on reference solutions') as string,
    });
  });

  it('looks at the first of those that are left where hardly any has a number that is asked for', async () => {
    add(0, 50);
    // Of 200 rows those with even numbers are done, and of the 100 that are left every second is asked for.
    let row = 0;
    const done = [...store.unmeasuredSamples(ahead.experimentId)].filter(() => ++row % 2 === 0);
    await loadGrammar();
    const measures = measureText({ completion: '    return x\n', reference: null, tokens: done[0]!.tokens });
    store.putTextMeasures(ahead.experimentId, done.map((key) => ({ ...key, measures }))); // prettier-ignore
    expect([...store.unmeasuredSamples(ahead.experimentId, 2)]).toEqual([]);
    expect(await measureEstimate(ahead, 0, true)).toMatchObject({ basis: '100 samples, 4.0/s measured on 64 of them' });
  });

  it('is not printed of itself where little is left, and looks at few of many', async () => {
    add(0, 249);
    expect(await measureEstimate(ahead, 0, false)).toBeNull();
    expect(measured).toEqual([]);
    add(249, 300);
    expect(await measureEstimate(ahead, 0, false)).toMatchObject({ seconds: 1_200 * EACH });
    expect(measured.length).toBeGreaterThan(32);
    expect(measured.length).toBeLessThanOrEqual(64);
    expect(new Set(measured.map((text) => (text as { reference: unknown }).reference)).size).toBeGreaterThan(1);
  });
});

it('deciding again is of all verdicts, measured on those that are there', () => {
  add(0, 5);
  expect(classifyEstimate(ahead, 0, true, { view })).toBeNull();
  expect(classifyEstimate(ahead, 999, false, { view })).toBeNull();
  const before = classifyEstimate(ahead, 20, true, { view })!;
  expect(before.basis).toContain('as if they had failed');
  expect(before.seconds).toBeGreaterThan(20 * EACH);
  judge(0, 5);
  expect(classifyEstimate(ahead, 20, true, { view })).toMatchObject({
    seconds: 20 * EACH,
    basis: '20 verdicts, 4.0/s measured on stored ones',
  });
  expect(classifyEstimate(ahead, 2_000, false, { view })).toMatchObject({ seconds: 2_000 * EACH, diskBytes: 0 });
});

it('a report is a bound until a tenth of the verdicts tell which categories there are', () => {
  add(0, 30);
  const of = (samples: number, asked = true) => reportEstimate(ahead, { samples, tokens: 20 }, asked);
  expect([of(0), of(999, false)]).toEqual([null, null]);
  expect(of(120)).toMatchObject({
    atMost: true,
    basis: expect.stringContaining('120 samples of 4 problems in up to 6 categories') as string,
  });
  judge(0, 2);
  expect(of(120)).toMatchObject({ atMost: true });
  judge(2, 30);
  const now = of(120)!;
  const large = store.counts(ahead.experimentId).categories.filter(({ count }) => count >= 20).length;
  expect(now.atMost).toBe(false);
  expect(now.basis).toContain(`in ${large} categor`);
  // Twice the samples are twice the files of samples.
  expect(of(240)!.diskBytes - now.diskBytes).toBe(now.diskBytes - reportEstimate(ahead, { samples: 1, tokens: 20 }, true)!.diskBytes + (of(2)!.diskBytes - of(1)!.diskBytes)); // prettier-ignore
});
