/** Strategies against the first of them: which tests stand together, and what the tables say of them. */
import { describe, expect, it } from 'vitest';
import { strategiesText } from '../../../src/cli/strategies-text.js';
import { bySetting } from '../../../src/reports/analysis/by-setting.js';
import { difference } from '../../../src/reports/difference.js';
import { STRATEGY_TABLES } from '../../../src/reports/render/tables/index.js';
import { benjaminiHochberg } from '../../../src/reports/statistics/benjamini-hochberg.js';
import { strategyComparison } from '../../../src/reports/strategy-comparison.js';
import type { JudgedSample } from '../../../src/store/types.js';
import { judgedSamples } from './judged-samples.js';

const samples = judgedSamples(24, 6);
/** The same with every n-th sample passing. */
const better = (n: number) =>
  samples.map((sample, i): JudgedSample => (i % n === 0 ? { ...sample, outcome: 'pass', categoryCode: null, categoryName: null } : sample));
const sides = [['s-a', samples], ['s-b', better(2)], ['s-c', better(9)]] as const; // prettier-ignore
const questions = new Map(samples.map(({ taskId }) => [taskId, taskId]));
const compared = bySetting(
  sides.map(([label, own], i) => ({ label, hash: label, temperature: String(i), questions, draws: label, samples: own })),
  [{ key: 'strategy.temperature', values: ['0', '1', '2'] }],
  { resamples: 199 },
);
const pairs = sides.slice(1).map(([experiment, own]) => ({ experiment, difference: difference(samples, own, { resamples: 199 }) }));
const comparison = strategyComparison(compared, 's-a', pairs);

describe('strategyComparison', () => {
  it('has pass and crash rate of each pair, as the pair has them', () => {
    expect(comparison.tests.map(({ experiment, rate }) => [experiment, rate])).toEqual([
      ['s-b', 'pass'],
      ['s-b', 'crash rate'],
      ['s-c', 'pass'],
      ['s-c', 'crash rate'],
    ]);
    for (const { experiment, rate, first, second, difference: found } of comparison.tests) {
      const own = pairs.find((pair) => pair.experiment === experiment)!.difference.rates.find(({ name }) => name === rate)!;
      expect({ first, second, found }).toEqual({ first: own.first, second: own.second, found: own.difference });
    }
  });

  it('adjusts them together, over all strategies', () => {
    const p = comparison.tests.map(({ difference: found }) => found.p);
    expect(new Set(p).size).toBeGreaterThan(1);
    expect(comparison.tests.map(({ adjustedP }) => adjustedP)).toEqual(benjaminiHochberg(p));
    // One pair alone is adjusted for less.
    const alone = strategyComparison(compared, 's-a', pairs.slice(1)).tests.map(({ adjustedP }) => adjustedP);
    expect(alone).not.toEqual(comparison.tests.slice(2).map(({ adjustedP }) => adjustedP));
  });
});

describe('the tables of strategies', () => {
  const rows = (name: string): Record<string, string>[] => {
    const [head, ...lines] = STRATEGY_TABLES.find((table) => table.name === name)!
      .csv(comparison)
      .trimEnd()
      .split('\r\n');
    const columns = head!.split(',');
    return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [columns[i]!, cell])));
  };

  it('hold every number of the comparison in the CSV, by each setting', () => {
    const groups = compared.tables.flatMap(({ setting, groups: own }) => own.map((group) => ({ setting, ...group })));
    const values = groups.map(({ setting, value, samples: count, pass, crash, costs }) => [
      ...[setting, value, String(count), pass.value, crash.value, costs.tokens, costs.executions].map(String),
    ]);
    expect(
      rows('strategies').map((row) => ['setting', 'value', 'samples', 'pass', 'crash', 'tokens', 'executions'].map((key) => row[key])),
    ).toEqual(values);
    expect(values.length).toBeGreaterThan(3);
    expect(
      rows('strategy-failures').map((row) => [row['value'], row['family_code'], Number(row['failures']), Number(row['share'])]),
    ).toEqual(groups.flatMap(({ value, families }) => families.map(({ code, count, share }) => [value, code, count, share.value])));
    expect(
      rows('strategy-tests').map((row) => [row['experiment'], row['rate'], Number(row['difference']), Number(row['adjusted_p'])]),
    ).toEqual(comparison.tests.map(({ experiment, rate, difference: found, adjustedP }) => [experiment, rate, found.value, adjustedP]));
    expect(rows('strategy-tests').map((row) => Number(row['failures_cramers_v']))).toEqual(
      pairs.flatMap(({ difference: found }) => [found.failures.cramersV.value, found.failures.cramersV.value]),
    );
  });

  it('have the numbers of a test from its own pair, also where two experiments have one name', () => {
    const twins = strategyComparison(compared, 's-a', pairs.map((pair) => ({ ...pair, experiment: 'twin' }))); // prettier-ignore
    const table = (from: typeof comparison): string =>
      STRATEGY_TABLES.find(({ name }) => name === 'strategy-tests')!.csv(from).replaceAll(/^(s-[bc]|twin),/gm, ','); // prettier-ignore
    expect(pairs[0]!.difference.pairs.onlySecond).not.toBe(pairs[1]!.difference.pairs.onlySecond);
    expect(table(twins)).toBe(table(comparison));
  });

  it('print the experiments alone', () => {
    const latex = STRATEGY_TABLES.find(({ name }) => name === 'strategies')!.latex(comparison);
    expect(latex.match(/^s-.*\\\\$/gm)).toHaveLength(3);
  });

  it('are whole where nothing could be compared', () => {
    const none = bySetting(sides.map(([label]) => ({ label, hash: label, temperature: null, questions, draws: label, samples: [] })), []); // prettier-ignore
    const empty = strategyComparison(none, 's-a', [{ experiment: 's-b', difference: difference([], []) }]);
    for (const table of STRATEGY_TABLES) {
      expect(table.latex(empty)).toContain('\\bottomrule');
      expect(table.csv(empty)).toMatch(/^\w+,.*\r\n/);
    }
    expect(strategiesText(empty)).toContain('each against s-a');
  });
});

describe('strategiesText', () => {
  it('has a line for each test and each pair', () => {
    const text = strategiesText(comparison);
    for (const { experiment, rate } of comparison.tests)
      expect(text).toMatch(new RegExp(`^${experiment} +${rate} +[\\d.]+ % +[\\d.]+ % +[−+]`, 'm'));
    for (const { experiment, difference: found } of pairs) {
      const { pairs: count, onlyFirst, onlySecond } = found.pairs;
      // Several samples of a problem are no pairs for McNemar.
      expect(text).toMatch(new RegExp(`^${experiment} +\\d\\.\\d\\d +\\S.* +${count} +${onlyFirst} +${onlySecond} +–$`, 'm'));
    }
  });
});

describe('the intervals of each table', () => {
  it('are said to be what they are', () => {
    const wide = { ...comparison, bySetting: { ...compared, intervals: { ...compared.intervals, confidence: 0.9 } } };
    for (const table of STRATEGY_TABLES) {
      const stated = [...table.latex(wide).matchAll(/(\d+)\D{1,4}% interval/g)].map((match) => match[1]);
      expect([table.name, new Set(stated)]).toEqual([table.name, new Set(['90'])]);
    }
  });
});
