/** Scores against numbers worked out by hand, and against the functions of statistics that they are made from. */
import { describe, expect, it } from 'vitest';
import { rowWeights, score, type Labels } from '../../../../src/reports/annotation/score.js';
import { Bootstrap } from '../../../../src/reports/statistics/bootstrap.js';
import { cohensKappa } from '../../../../src/reports/statistics/cohens-kappa.js';
import { wilsonInterval } from '../../../../src/reports/statistics/wilson.js';
import { keyRow } from './failures.js';

const ORDER = ['2.1', '4.1', '4.4', '8.3'];
const OPTIONS = { resamples: 999 };
const labels = (annotator: string, codes: Readonly<Record<string, string>>): Labels => ({
  annotator,
  codes: new Map(Object.entries(codes)),
});

/** A leaf of 90 failures with three rows, whose programs have 1, 1 and 2 samples, and one of 10 failures with two rows. */
const KEY = [
  keyRow('F1', 'T/1', '4.1', { stratumSamples: 90 }),
  keyRow('F2', 'T/2', '4.1', { stratumSamples: 90 }),
  keyRow('F3', 'T/3', '4.1', { stratumSamples: 90, programSamples: 2 }),
  keyRow('F4', 'T/1', '8.3', { stratumSamples: 10 }),
  keyRow('F5', 'T/4', '8.3', { stratumSamples: 10 }),
];

describe('precision', () => {
  it('weighs each row by the failures it stands for', () => {
    // 4.1: 90 failures over 1 + 1 + 2 samples, so 22.5, 22.5 and 45. 8.3: 5 and 5.
    expect([...rowWeights(KEY).values()]).toEqual([22.5, 22.5, 45, 5, 5]);
    const ann = labels('ann', { F1: '4.1', F2: '4.4', F3: '4.1', F4: '8.3', F5: '4.1' });
    const { precision, between } = score(KEY, [ann], ORDER, OPTIONS);
    expect(between).toBeNull();
    expect(precision).toHaveLength(1);
    const [against] = precision;
    expect(against).toMatchObject({ against: 'ann', rows: 5, covered: 1 });
    expect(against!.overall.leaf.value).toBeCloseTo((22.5 + 45 + 5) / 100, 12);
    expect(against!.overall.family.value).toBeCloseTo((22.5 + 22.5 + 45 + 5) / 100, 12);
    expect(against!.leaves).toEqual([
      { code: '4.1', rows: 3, right: 2, problems: 3, ...new Bootstrap(4, OPTIONS).ratio([1, 0, 1, 0], [1, 1, 1, 0]) },
      { code: '8.3', rows: 2, right: 1, problems: 2, ...new Bootstrap(4, OPTIONS).ratio([1, 0, 0, 0], [1, 0, 0, 1]) },
    ]);
  });

  it('has the interval of a ratio over problems', () => {
    const ann = labels('ann', { F1: '4.1', F2: '4.4', F3: '4.1', F4: '8.3', F5: '4.1' });
    const { leaf } = score(KEY, [ann], ORDER, OPTIONS).precision[0]!.overall;
    expect(leaf).toEqual(new Bootstrap(4, OPTIONS).ratio([27.5, 0, 45, 0], [27.5, 22.5, 45, 5]));
  });

  it('lets second copies of a program share its part', () => {
    const key = [
      keyRow('F1', 'T/1', '4.1', { stratumSamples: 12, programSamples: 4, programDrawn: 2 }),
      keyRow('F2', 'T/1', '4.1', { stratumSamples: 12, programSamples: 4, programDrawn: 2 }),
      keyRow('F3', 'T/2', '4.1', { stratumSamples: 12, programSamples: 2 }),
    ];
    expect([...rowWeights(key).values()]).toEqual([4, 4, 4]);
  });

  it('gives the weight of rows without a label to the rest of their leaf, and says which leaves have none', () => {
    const ann = labels('ann', { F1: '4.1', F2: '4.4' });
    const { annotators, precision } = score(KEY, [ann], ORDER, OPTIONS);
    expect(annotators).toEqual([{ name: 'ann', labelled: 2, missing: ['F3', 'F4', 'F5'] }]);
    expect(precision[0]!.overall.leaf.value).toBeCloseTo(0.5, 12);
    expect(precision[0]!.covered).toBeCloseTo(0.9, 12);
    expect(precision[0]!.leaves[1]).toEqual({
      code: '8.3',
      rows: 0,
      right: 0,
      problems: 0,
      value: null,
      low: null,
      high: null,
      method: 'none',
    });
  });

  it('against both counts the rows on which they agree, at their own weight', () => {
    const ann = labels('ann', { F1: '4.1', F2: '4.4', F3: '4.1', F4: '8.3', F5: '4.1' });
    const ben = labels('ben', { F1: '4.1', F2: '4.1', F3: '8.3', F4: '8.3', F5: '4.1' });
    const both = score(KEY, [ann, ben], ORDER, OPTIONS).precision[2]!;
    // They agree on F1 (22.5, right), F4 (5, right) and F5 (5, wrong).
    expect(both).toMatchObject({ against: 'both', rows: 3 });
    expect(both.overall.leaf.value).toBeCloseTo(27.5 / 32.5, 12);
    expect(both.leaves.map(({ right, rows }) => [right, rows])).toEqual([[1, 1], [1, 2]]); // prettier-ignore
  });

  it('of a leaf is no surer for rows of one problem: nine of them count as the one that they are', () => {
    const key = [
      ...Array.from({ length: 9 }, (_, i) => keyRow(`A${i}`, 'T/0', '4.1', { stratumSamples: 30 })),
      ...Array.from({ length: 21 }, (_, i) => keyRow(`B${i}`, `T/${i + 1}`, '4.1', { stratumSamples: 30 })),
    ];
    const widthOf = (wrong: string): number => {
      const ann = labels('ann', Object.fromEntries(key.map(({ id }) => [id, id.startsWith(wrong) ? '4.4' : '4.1'])));
      const [leaf] = score(key, [ann], ORDER, OPTIONS).precision[0]!.leaves;
      expect(leaf).toMatchObject({ rows: 30, problems: 22, method: 'bca' });
      return leaf!.high! - leaf!.low!;
    };
    // The nine rows of one problem, or nine rows of nine: the share of right rows is nearly the same.
    const [together, apart] = [widthOf('A'), widthOf('B1')];
    expect(together).toBeGreaterThan(1.2 * apart);
    // Where all are right, resampling varies nothing: Wilson's interval over problems, not over rows.
    const [sure] = score(key, [labels('ann', Object.fromEntries(key.map(({ id }) => [id, '4.1'])))], ORDER, OPTIONS).precision[0]!.leaves;
    expect(sure).toMatchObject({ value: 1, method: 'wilson', ...wilsonInterval(22, 22) });
  });

  it('of nobody is nothing', () => {
    const { precision } = score(KEY, [labels('ann', {})], ORDER, OPTIONS);
    expect(precision[0]!.overall.leaf).toEqual({ value: null, low: null, high: null, method: 'none' });
    expect(precision[0]!.covered).toBe(0);
  });
});

describe('agreement', () => {
  const key = Array.from({ length: 60 }, (_, index) => keyRow(`F${index}`, `T/${index % 10}`, '4.1', { stratumSamples: 60 }));
  const first = key.map((_, index) => ORDER[index % 4]!);
  const second = key.map((_, index) => ORDER[index % 5 === 0 ? (index + 1) % 4 : index % 4]!);
  const of = (annotator: string, codes: readonly string[]) =>
    labels(annotator, Object.fromEntries(codes.map((code, index) => [`F${index}`, code])));

  it("is Cohen's kappa at both levels, with an interval around it", () => {
    const { between } = score(key, [of('ann', first), of('ben', second)], ORDER, OPTIONS);
    expect(between!.rows).toBe(60);
    const [leaf, family] = between!.levels;
    expect(leaf).toMatchObject({ level: 'leaf', agreement: 0.8, kappa: { value: cohensKappa(first, second).value, method: 'bca' } });
    const top = (codes: readonly string[]) => codes.map((code) => code[0]!);
    expect(family!.kappa.value).toBe(cohensKappa(top(first), top(second)).value);
    expect(family!.agreement).toBeGreaterThan(0.8);
    for (const { kappa } of between!.levels) {
      expect(kappa.low!).toBeLessThan(kappa.value!);
      expect(kappa.high!).toBeGreaterThan(kappa.value!);
    }
  });

  it('resamples problems, not rows: equal rows of one problem make it no surer', () => {
    const twice = [...key, ...key.map((row) => ({ ...row, id: `${row.id}b` }))];
    const doubled = (annotator: string, codes: readonly string[]) =>
      labels(annotator, Object.fromEntries(codes.flatMap((code, index) => [[`F${index}`, code], [`F${index}b`, code]]))); // prettier-ignore
    const once = score(key, [of('ann', first), of('ben', second)], ORDER, OPTIONS).between!.levels[0]!.kappa;
    const more = score(twice, [doubled('ann', first), doubled('ben', second)], ORDER, OPTIONS).between!.levels[0]!.kappa;
    for (const end of ['value', 'low', 'high'] as const) expect(more[end]).toBeCloseTo(once[end]!, 9);
  });

  it('is about the rows that both labelled', () => {
    const ben = labels('ben', { F0: '2.1', F1: '4.4' });
    const { between, annotators } = score(key, [of('ann', first), ben], ORDER, OPTIONS);
    expect(between!.rows).toBe(2);
    expect(between!.levels[0]!.agreement).toBe(0.5);
    expect(annotators[1]!.missing).toHaveLength(58);
    expect(score(key, [of('ann', first), labels('ben', {})], ORDER, OPTIONS).between).toMatchObject({
      rows: 0,
      levels: [
        { agreement: null, kappa: { value: null } },
        { agreement: null, kappa: { value: null } },
      ],
    });
  });
});

describe('confusions', () => {
  it('name the rows, most frequent first, for the classifier and between people', () => {
    const ann = labels('ann', { F1: '4.4', F2: '4.4', F3: '4.1', F4: '8.3', F5: '4.1' });
    const ben = labels('ben', { F1: '4.4', F2: '4.1', F3: '4.1', F4: '8.3' });
    const { confusions } = score(KEY, [ann, ben], ORDER, OPTIONS);
    expect(confusions).toEqual([
      { between: ['classifier', 'ann'], first: '4.1', second: '4.4', ids: ['F1', 'F2'] },
      { between: ['classifier', 'ann'], first: '8.3', second: '4.1', ids: ['F5'] },
      { between: ['classifier', 'ben'], first: '4.1', second: '4.4', ids: ['F1'] },
      { between: ['ann', 'ben'], first: '4.4', second: '4.1', ids: ['F2'] },
    ]);
  });
});
