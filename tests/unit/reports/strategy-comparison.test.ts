/** Strategies against the first of them: which tests stand together, and what the tables say of them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { strategiesText } from '../../../src/cli/strategies-text.js';
import { bySetting, type SettingExperiment } from '../../../src/reports/analysis/by-setting.js';
import { difference } from '../../../src/reports/difference.js';
import { STRATEGY_TABLES } from '../../../src/reports/render/tables/index.js';
import { benjaminiHochberg } from '../../../src/reports/statistics/benjamini-hochberg.js';
import { strategyComparison } from '../../../src/reports/strategy-comparison.js';
import { COMPARISON_FILES, writeComparison } from '../../../src/reports/write-comparison.js';
import { kindsText } from '../../../src/reports/render/failure-kinds.js';
import type { JudgedSample } from '../../../src/store/types.js';
import { analysed, CATEGORIES, judgedSamples, marksOf, sample as one, verdictOf } from './judged-samples.js';

const samples = judgedSamples(24, 6);
const PASS = { outcome: 'pass', categoryCode: null, categoryName: null, verdict: verdictOf({ status: 'passed' }) } as const;
/** The same with every n-th sample passing. */
const better = (n: number) => samples.map((sample, i): JudgedSample => (i % n === 0 ? { ...sample, ...PASS } : sample));
const sides = [['s-a', samples], ['s-b', better(2)], ['s-c', better(9)]] as const; // prettier-ignore
const questions = new Map(samples.map(({ taskId }) => [taskId, taskId]));
const compared = bySetting(
  sides.map(([label, own], i) => ({
    label,
    hash: label,
    temperature: String(i),
    questions,
    draws: label,
    marks: marksOf(own),
    samples: own,
  })),
  [{ key: 'strategy.temperature', values: ['0', '1', '2'] }],
  { resamples: 199 },
);
const pairs = sides.slice(1).map(([experiment, own]) => ({
  experiment,
  difference: difference(samples, own, { resamples: 199, marks: { first: marksOf(samples), second: marksOf(own) } }),
}));
const comparison = strategyComparison(compared, 's-a', pairs);

describe('strategyComparison', () => {
  it('has pass, crash rate and passes on hidden assertions of each pair, as the pair has them', () => {
    expect(comparison.tests.map(({ experiment, rate }) => [experiment, rate])).toEqual([
      ['s-b', 'pass'],
      ['s-b', 'crash rate'],
      ['s-b', 'hidden pass'],
      ['s-c', 'pass'],
      ['s-c', 'crash rate'],
      ['s-c', 'hidden pass'],
    ]);
    for (const { experiment, rate, first, second, difference: found } of comparison.tests) {
      const { rates, hiddenAssertions } = pairs.find((pair) => pair.experiment === experiment)!.difference;
      const own = [...rates, ...hiddenAssertions.rates].find(({ name }) => name === rate)!;
      expect({ first, second, found }).toEqual({ first: own.first, second: own.second, found: own.difference });
    }
  });

  it('adjusts them together, over all strategies', () => {
    const p = comparison.tests.map(({ difference: found }) => found.p);
    expect(new Set(p).size).toBeGreaterThan(1);
    expect(comparison.tests.map(({ adjustedP }) => adjustedP)).toEqual(benjaminiHochberg(p));
    // One pair alone is adjusted for less.
    const alone = strategyComparison(compared, 's-a', pairs.slice(1)).tests.map(({ adjustedP }) => adjustedP);
    expect(alone).not.toEqual(comparison.tests.slice(3).map(({ adjustedP }) => adjustedP));
  });
});

describe('each strategy of a comparison', () => {
  it('has what a report has of it alone: hidden assertions, and shares of distinct programs', () => {
    for (const [i, [, own]] of sides.entries()) {
      const alone = analysed(own, { categories: CATEGORIES, resamples: 199 });
      const group = compared.tables[0]!.groups[i]!;
      expect(group.hiddenAssertions).toEqual(alone.hiddenAssertions);
      expect(group.programs).toEqual(alone.programs);
      expect(group.pass).toEqual(group.programs.outcomes.find(({ outcome }) => outcome === 'pass')!.ofSamples);
      expect(group.crash).toEqual(group.programs.crash.ofSamples);
    }
    // Where half of the samples pass what they failed, more pass the hidden assertions, too.
    const hidden = compared.tables[0]!.groups.map(({ hiddenAssertions }) => hiddenAssertions.passAtK[0]!.hidden.value!);
    expect(hidden[1]).toBeGreaterThan(hidden[0]! + 0.2);
  });

  it('counts a program once where two experiments that are pooled drew it', () => {
    const drawn = (completions: readonly string[]) =>
      completions.map((completion, sampleIndex) => one({ completion, sampleIndex, outcome: 'crash', categoryCode: '4.1', categoryName: 'crash.name_error' })); // prettier-ignore
    const sideOf = (own: JudgedSample[], temperature: string, i: number): SettingExperiment => ({
      ...{ label: String(i), hash: String(i), temperature, questions: new Map([['Pico/0', '']]), draws: String(i), marks: [] },
      samples: own,
    });
    const [first, second] = [drawn(['a', 'b', 'a']), drawn(['b', 'c', 'b'])];
    const pooled = bySetting([sideOf(first, '1', 0), sideOf(second, '1', 1), sideOf(first, '2', 2)], [], { resamples: 19 }).tables.find(
      ({ setting }) => setting === 'temperature',
    )!;
    expect(pooled.groups.map(({ samples: count, programs: { programs: own }, families }) => [count, own, families[0]!.programs])).toEqual([
      [6, 3, 3],
      [3, 2, 2],
    ]);
  });
});

describe('categories by strategy, all in one table', () => {
  it('are those of the pair where two are compared', () => {
    const two = bySetting(
      sides
        .slice(0, 2)
        .map(([label, own]) => ({ label, hash: label, temperature: null, questions, draws: label, marks: [], samples: own })),
      [],
      { resamples: 199 },
    );
    const { categories, ...pair } = pairs[0]!.difference.failures;
    expect(two.failures).toEqual({ ...pair, categories: categories.map(({ code, first, second }) => ({ code, counts: [first, second] })) });
  });

  it('count every failure of every strategy, and are said in text and table', () => {
    const { categories, degrees, p } = compared.failures;
    expect(degrees).toBe(2 * (categories.length - 1));
    const groups = compared.tables[0]!.groups;
    expect(groups.map((_, i) => categories.reduce((sum, { counts }) => sum + counts[i]!, 0))).toEqual(groups.map(({ failures }) => failures)); // prettier-ignore
    // Passes were put in place of failures whatever their kind.
    expect(p).toBeGreaterThan(0.05);
    expect(strategiesText(comparison)).toMatch(/^all 3 in one table of categories by experiment: kinds of failure: Cramér's V \d.*by permuting them within problems/m); // prettier-ignore
    expect(kindsText(compared.failures, 3)).toMatch(
      /^Cramér's V 0\.\d\d.*, chi-square [\d.]+ with \d+ degrees of freedom, p 0\.\d{3} by permuting them within problems/,
    );
    expect(kindsText(compared.failures, 2)).toContain(' by swaps within problems');
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
    expect(
      rows('strategy-programs').map((row) => ['hidden', 'hidden_low', 'programs', 'distinct', 'program_pass', 'program_crash'].map((key) => Number(row[key]))),
    ).toEqual(
      groups.map(({ hiddenAssertions, programs }) => [
        ...[hiddenAssertions.passAtK[0]!.hidden.value, hiddenAssertions.passAtK[0]!.hidden.low, programs.programs, programs.distinct.value],
        ...[programs.outcomes.find(({ outcome }) => outcome === 'pass')!.ofPrograms.value, programs.crash.ofPrograms.value],
      ]),
    ); // prettier-ignore
    expect(rows('strategy-tests').map((row) => Number(row['failures_cramers_v']))).toEqual(
      pairs.flatMap(({ difference: found }) => [1, 2, 3].map(() => found.failures.cramersV.value)),
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
    // Crashes, tokens, executions and times stand beside passes.
    expect(latex).toContain('experiment & pass, \\% & crash, \\% & tokens & s & run & s \\\\');
  });

  it('are whole where nothing could be compared', () => {
    const none = bySetting(sides.map(([label]) => ({ label, hash: label, temperature: null, questions, draws: label, marks: [], samples: [] })), []); // prettier-ignore
    const empty = strategyComparison(none, 's-a', [{ experiment: 's-b', difference: difference([], []) }]);
    for (const table of STRATEGY_TABLES) {
      expect(table.latex(empty)).toContain('\\bottomrule');
      expect(table.csv(empty)).toMatch(/^\w+,.*\r\n/);
    }
    expect(strategiesText(empty)).toContain('each against s-a');
  });

  it('stand beside a page and a figure, which is gone where a later comparison has nothing to draw', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'faultline-comparison-'));
    try {
      const written = { name: 'study', analysis: analysed(samples, { categories: CATEGORIES, resamples: 199 }), pairs: [] };
      const files = await writeComparison(folder, { ...written, comparison });
      expect(files.map((file) => relative(folder, file)).sort()).toEqual([...COMPARISON_FILES].sort());
      const none = bySetting(
        sides.map(([label]) => ({ label, hash: label, temperature: null, questions, draws: label, marks: [], samples: [] })),
        [],
      );
      await writeComparison(folder, { ...written, comparison: strategyComparison(none, 's-a', []) });
      expect(readdirSync(join(folder, 'figures'))).toEqual([]);
      expect(readFileSync(join(folder, 'comparison.html'), 'utf8')).toContain('Nothing to compare: no problem is the same in all');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
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
